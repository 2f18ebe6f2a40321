using System.Collections.Immutable;
using System.ComponentModel;
using Kimg.TestKit;

namespace Kimg.Bench.Builders;

internal static class Found
{
    /// <summary>The first line of what a command prints; null when there is no such command, or it fails.</summary>
    public static async Task<string?> FirstLineAsync(ImmutableArray<string> command)
    {
        try
        {
            ProgramResult result = await HostProgram.RunAsync(command[0], command.Skip(1), limit: TimeSpan.FromSeconds(20));
            return result.ExitCode == 0 ? result.Output.Split('\n')[0].Trim() : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
