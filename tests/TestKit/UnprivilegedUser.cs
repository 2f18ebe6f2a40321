using System.Diagnostics;

namespace Kimg.TestKit;

/// <summary>A user of this machine with no privileges but ranges of subordinate ids; made when missing, so the tests must run as root.</summary>
public sealed class UnprivilegedUser
{
    private static readonly Lazy<UnprivilegedUser> s_instance = new(() => new UnprivilegedUser());

    private UnprivilegedUser()
    {
        if (Lookup("-u") is null) Run("useradd", "-m", "-s", "/bin/sh", Name);
        if (!File.ReadLines("/etc/subuid").Any(l => l.StartsWith(Name + ":", StringComparison.Ordinal)))
            Run("usermod", "--add-subuids", "700000-765535", "--add-subgids", "700000-765535", Name);
        Uid = uint.Parse(Lookup("-u")!, System.Globalization.CultureInfo.InvariantCulture);
        Gid = uint.Parse(Lookup("-g")!, System.Globalization.CultureInfo.InvariantCulture);
    }

    public static UnprivilegedUser Instance => s_instance.Value;

    public const string Name = "kimgtest";

    public uint Uid { get; }

    public uint Gid { get; }

    /// <summary>Arguments that run a command as the user: all capabilities gone, no groups but its own, set-id programs still work.</summary>
    public string[] Command(params string[] command) =>
        ["setpriv", "--reuid", $"{Uid}", "--regid", $"{Gid}", "--clear-groups", "--inh-caps=-all", "--", .. command];

    /// <summary>Writes an executable that runs a program as the user, whoever calls it.</summary>
    public string Wrap(string program, string directory)
    {
        string wrapper = Path.Combine(directory, Path.GetFileName(program) + "-as-" + Name);
        File.WriteAllText(wrapper, $"#!/bin/sh\nexec {string.Join(' ', Command(program))} \"$@\"\n");
        Engine.Native.FileOwner.SetMode(wrapper, 0b111_101_101);
        return wrapper;
    }

    private static string? Lookup(string flag)
    {
        (int code, string output) = Capture("id", flag, Name);
        return code == 0 ? output.Trim() : null;
    }

    private static void Run(string program, params string[] args)
    {
        (int code, string output) = Capture(program, args);
        if (code != 0) throw new InvalidOperationException($"{program} {string.Join(' ', args)}: {output}");
    }

    private static (int Code, string Output) Capture(string program, params string[] args)
    {
        var start = new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, process.ExitCode == 0 ? output : errors.Result);
    }
}
