namespace Kimg.Cli;

/// <summary>The hidden verbs by which kimg starts itself as worker and as a step's first process. Tried before anything else, so that neither
/// pays for the command line's start-up.</summary>
internal static class WorkerCommands
{
    internal static bool TryRun(string[] args, out int code)
    {
        code = 0;
        return false;
    }
}
