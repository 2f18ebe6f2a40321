using System.Runtime.InteropServices;

namespace Kimg.Cli.Errors;

/// <summary>Ctrl-C, SIGTERM and SIGHUP: the first asks the build to stop and clean up, the second ends the process at once.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;
    private readonly Action _beforeKill;
    private int _signals;

    /// <param name="beforeKill">Called before the process dies of the second signal: the terminal has to be left usable.</param>
    public Interruption(Action beforeKill)
    {
        _beforeKill = beforeKill;
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnSignal),
        ];
    }

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
        _source.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        if (Interlocked.Increment(ref _signals) > 1)
        {
            // Not canceled: the signal's default action ends the process.
            _beforeKill();
            return;
        }

        context.Cancel = true;
        _source.CancelAsync();
    }
}
