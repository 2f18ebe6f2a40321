namespace Kimg.Cli;

internal static class Program
{
    private static int Main(string[] args)
    {
        if (WorkerCommands.TryRun(args, out int code)) return code;
        return 0;
    }
}
