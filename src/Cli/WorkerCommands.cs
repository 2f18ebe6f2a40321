using Kimg.Engine.Build.Worker;

namespace Kimg.Cli;

/// <summary>The hidden verbs by which kimg starts itself as worker and as a step's first process. Tried before anything else, so that neither
/// pays for the command line's start-up.</summary>
internal static class WorkerCommands
{
    internal static bool TryRun(string[] args, out int code)
    {
        switch (args)
        {
            case ["worker"]:
                code = WorkerProcess.Serve(Console.Error);
                return true;
            case ["sandbox-init", var descriptors]:
                code = WorkerProcess.StartStep(descriptors);
                return true;
            case [WorkerProcess.FollowVerb, var parent, _, ..]:
                code = WorkerProcess.Follow(parent, args[2..], Console.Error);
                return true;
            default:
                code = 0;
                return false;
        }
    }
}
