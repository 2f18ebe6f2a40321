using Kimg.TestKit;

namespace Kimg.Conformance;

/// <summary>A BuildKit of this machine.</summary>
/// <param name="Command">The words before the options of a build.</param>
/// <param name="Version">What it calls itself.</param>
internal sealed record Peer(IReadOnlyList<string> Command, bool IsBuildctl, string Version)
{
    /// <summary>Empties its build cache.</summary>
    public async Task PruneAsync()
    {
        string[] words = IsBuildctl ? [Command[0], "prune", "--all"] : [.. Command.SkipLast(2), "prune", "--all", "--force"];
        await HostProgram.MustAsync(words[0], words[1..]);
    }

    /// <summary>KIMG_PEER_BUILDX, else docker buildx, else buildctl; null: none of them answers.</summary>
    public static async Task<Peer?> FindAsync()
    {
        if (Environment.GetEnvironmentVariable("KIMG_PEER_BUILDX") is { Length: > 0 } given) return await AskBuildxAsync(given.Split(' '));
        return await AskBuildxAsync(["docker", "buildx"]) ?? await AskBuildctlAsync();
    }

    private static async Task<Peer?> AskBuildxAsync(string[] command)
    {
        if (await AskAsync(command[0], [.. command.Skip(1), "version"]) is not { } version) return null;
        return await AskAsync(command[0], [.. command.Skip(1), "inspect"]) is { } builder
            ? new Peer([.. command, "build", "--network=host"], IsBuildctl: false, $"{version.Trim()}; {Line(builder, "BuildKit version:") ?? "BuildKit of unknown version"}") : null;
    }

    private static async Task<Peer?> AskBuildctlAsync() => await AskAsync("buildctl", ["debug", "info"]) is { } info
        ? new Peer(["buildctl"], IsBuildctl: true, Line(info, "BuildKit:") ?? "BuildKit of unknown version") : null;

    private static string? Line(string text, string beginning) =>
        text.Split('\n').Select(line => line.Trim()).FirstOrDefault(line => line.StartsWith(beginning, StringComparison.Ordinal));

    private static async Task<string?> AskAsync(string program, IEnumerable<string> arguments)
    {
        try
        {
            ProgramResult result = await HostProgram.RunAsync(program, arguments, limit: TimeSpan.FromMinutes(1));
            return result.ExitCode == 0 ? result.Output : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
