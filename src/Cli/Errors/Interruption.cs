using System.Runtime.InteropServices;

namespace Kimg.Cli.Errors;

/// <summary>
/// Ctrl-C, SIGTERM and SIGHUP: the first asks the build to stop and clean up, the second ends the process at once. Signals belong to the
/// process and so does this: handlers stay until its end, so that one in its last moments does not change the exit code of what is done.
/// </summary>
internal static class Interruption
{
    private static readonly CancellationTokenSource s_source = new();
    private static readonly List<PosixSignalRegistration> s_registrations = [];
    private static int s_signals;

    /// <param name="beforeKill">Called before the process dies of the second signal: the terminal has to be left usable.</param>
    public static CancellationToken Listen(Action beforeKill)
    {
        foreach (PosixSignal signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP])
            s_registrations.Add(PosixSignalRegistration.Create(signal, context => OnSignal(context, beforeKill)));
        return s_source.Token;
    }

    private static void OnSignal(PosixSignalContext context, Action beforeKill)
    {
        if (Interlocked.Increment(ref s_signals) > 1)
        {
            // Not canceled: the signal's default action ends the process.
            beforeKill();
            return;
        }

        context.Cancel = true;
        s_source.CancelAsync();
    }
}
