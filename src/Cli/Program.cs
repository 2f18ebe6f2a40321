using Kimg.Cli.CommandLine;
using Kimg.Cli.Errors;

namespace Kimg.Cli;

internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        if (WorkerCommands.TryRun(args, out int code)) return code;
        using var interruption = new Interruption();
        return await Runner.RunAsync(args, CliHost.Real(), interruption.Token);
    }
}
