using System.Diagnostics;
using Kimg.Engine.Native;
using Xunit;

namespace Kimg.Engine.Tests.Snapshots;

/// <summary>Plays a RUN: mounts what a snapshotter says, in a mount namespace that ends with the script, and runs a shell script in it.</summary>
internal static class StepShell
{
    // What the script wrote gets one time, so that the layers of two runs can be compared; what it did not touch keeps its own.
    private const string SameTimes = "find . -newermt 2025-01-01 -print0 | xargs -0r touch -h -d @1700000000.25";

    internal static void Run(MountSource root, string script)
    {
        string mount = root switch
        {
            OverlaySource o => $"mount -t overlay kimg -o 'userxattr,lowerdir={string.Join(':', o.Lower.Reverse())},upperdir={o.Upper},workdir={o.Work}' \"$at\"",
            FuseOverlaySource o => $"fuse-overlayfs -o 'lowerdir={string.Join(':', o.Lower.Reverse())},upperdir={o.Upper},workdir={o.Work}' \"$at\"",
            BindSource b => $"mount --bind '{b.Path}' \"$at\"",
            _ => throw new UnreachableException(),
        };
        Bash($"at=$(mktemp -d)\n{mount}\ncd \"$at\"\n{script}\n{SameTimes}\ncd /\numount \"$at\"\nrmdir \"$at\"\n", "unshare", "--mount");
    }

    /// <summary>Names, types, modes, owners, link targets and contents below a directory.</summary>
    internal static string List(string directory) => Bash($"""
        cd '{directory}'
        find . -mindepth 1 ! -type s -printf '%p %y %m %U %G %l\n' | LC_ALL=C sort
        find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum
        """);

    internal static string Bash(string script, params string[] prefix)
    {
        string[] command = [.. prefix, "bash", "-c", "set -e\numask 022\nexport LC_ALL=C\n" + script];
        using Process process = Process.Start(new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{script}\n{error.Result}");
        return output;
    }
}

/// <summary>Needs to mount and to make files of other owners.</summary>
internal sealed class RootTheoryAttribute : TheoryAttribute
{
    public RootTheoryAttribute() => Skip = RootFactAttribute.Reason;
}

/// <inheritdoc cref="RootTheoryAttribute"/>
internal sealed class RootFactAttribute : FactAttribute
{
    internal static string? Reason => Environment.IsPrivilegedProcess ? null : "needs root: mounts, and files of other owners";

    public RootFactAttribute() => Skip = Reason;
}
