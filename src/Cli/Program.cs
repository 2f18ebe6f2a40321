using Kimg.Cli.CommandLine;
using Kimg.Cli.Errors;
using Kimg.Cli.Kaniko;

namespace Kimg.Cli;

internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        HostVariables.SelectImplementations();
        if (WorkerCommands.TryRun(args, out int code)) return code;
        // Unpacking waits for pipes and the network on the pool's threads; beyond this number it would take half a second to replace each.
        ThreadPool.SetMinThreads(4 * Environment.ProcessorCount, 4 * Environment.ProcessorCount);
        CliHost host = CliHost.Real();
        CancellationToken interrupted = Interruption.Listen(beforeKill: () =>
        {
            // The tty view hides the cursor.
            if (host.ErrorIsTerminal()) host.WriteError("\u001b[?25h");
        });
        if (args is [CommandStream.Word, var mark]) return await CommandStream.RunAsync(mark, host, interrupted);
        string[] argv = KanikoCommandLine.Translate(Environment.GetCommandLineArgs()[0], args);
        return await Runner.RunAsync(argv, host, interrupted);
    }
}
