namespace Kimg.Engine.Sandbox;

/// <summary>How steps are kept apart from the host; tried in this order.</summary>
public enum IsolationMode
{
    /// <summary>Namespaces with the capabilities kimg itself has.</summary>
    Root,

    /// <summary>The same in a user namespace that maps a range of ids.</summary>
    UserNamespace,
}

public static class IsolationModes
{
    /// <summary>As --isolation spells it.</summary>
    public static string Name(this IsolationMode mode) => mode == IsolationMode.Root ? "root" : "userns";
}
