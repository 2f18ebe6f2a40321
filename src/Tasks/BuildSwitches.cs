namespace Kimg.Tasks;

/// <summary>Properties that are true or false. They come as text, because MSBuild's own error for another value names a parameter of the task.</summary>
internal sealed record BuildSwitches
{
    public bool NoCache { get; init; }

    public bool Pull { get; init; }

    public bool Incremental { get; init; } = true;

    public bool CheckRemote { get; init; } = true;

    public bool Portable { get; init; }

    public static BuildSwitches Of(BuildImage task) => new()
    {
        NoCache = IsTrue("KimgNoCache", task.NoCache, false),
        Pull = IsTrue("KimgPull", task.Pull, false),
        Incremental = IsTrue("KimgIncremental", task.Incremental, true),
        CheckRemote = IsTrue("KimgCheckRemote", task.CheckRemote, true),
        Portable = IsTrue("KimgPortable", task.Portable, false),
    };

    private static bool IsTrue(string setting, string value, bool missing) => value.Length == 0 ? missing : ImageOutputs.IsTrue(setting, value);
}
