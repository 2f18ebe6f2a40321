namespace Kimg.Engine.Dockerfile;

/// <summary>The variables an expansion sees.</summary>
internal interface IVariables
{
    IReadOnlyCollection<string> Names { get; }

    /// <summary>The value, or null when the variable is not set.</summary>
    string? Get(string name);
}

internal sealed class EmptyVariables : IVariables
{
    public static EmptyVariables Instance { get; } = new();

    public IReadOnlyCollection<string> Names => [];

    public string? Get(string name) => null;
}
