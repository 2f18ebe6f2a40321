using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Kimg.Tasks;

/// <summary>What a program has printed on stdout, and how it ended.</summary>
internal sealed record ProcessAnswer(int ExitCode, string Output);

/// <summary>A program that runs beside the task. Threads wait for it instead of continuations: a task runs once in a process, where the code of each
/// continuation would have to be compiled first.</summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process _process;
    private CancellationToken _cancellationToken;
    private CancellationTokenRegistration _registration;
    // Begins the line after each command of a stream; the exit code follows (src/Cli/CommandStream.cs).
    private readonly string? _mark;
    private Task<string>? _output;
    private int? _exitCode;
    private bool _busy, _finished;

    /// <param name="start">With stdin, stdout and stderr redirected.</param>
    /// <param name="cancellationToken">Ends it and all it has started.</param>
    /// <param name="mark">It takes one command after the other (<see cref="Send"/>), and prints this after each; null: its stdin is empty.</param>
    /// <exception cref="Win32Exception">There is no such program, or it may not be run.</exception>
    public ChildProcess(ProcessStartInfo start, CancellationToken cancellationToken, string? mark = null)
    {
        _process = Process.Start(start)!;
        EndWith(cancellationToken);
        _mark = mark;
        if (mark is not null) return;
        _process.StandardInput.Close();
        _output = Task.Run(_process.StandardOutput.ReadToEnd, CancellationToken.None);
    }

    /// <summary>From now on this ends it, and nothing else.</summary>
    public void EndWith(CancellationToken cancellationToken)
    {
        _registration.Dispose();
        _cancellationToken = cancellationToken;
        _registration = cancellationToken.Register(Kill);
    }

    public void Send(IReadOnlyCollection<string> arguments)
    {
        (_exitCode, _busy) = (null, true);
        try
        {
            _process.StandardInput.Write(string.Concat(arguments.Prepend(arguments.Count.ToString(CultureInfo.InvariantCulture)).Select(text => text + '\0')));
            _process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // It has ended meanwhile; its exit code says more.
        }

        _output = Task.Run(ReadToMark, CancellationToken.None);
    }

    /// <summary>Waits for the end of the program, or of its command.</summary>
    /// <param name="onErrorLine">Called on this thread for each line of stderr.</param>
    /// <exception cref="OperationCanceledException">The process is gone by then.</exception>
    public ProcessAnswer Finish(Action<string> onErrorLine)
    {
        while (_process.StandardError.ReadLine() is { } line && !IsMark(line))
        {
            // The line before a mark may be empty.
            if (line.Length > 0) onErrorLine(line);
        }

        string output = _output!.GetAwaiter().GetResult();
        _busy = false;
        if (_exitCode is null)
        {
            _process.WaitForExit();
            _finished = true;
        }

        _cancellationToken.ThrowIfCancellationRequested();
        return new ProcessAnswer(_exitCode ?? _process.ExitCode, output);
    }

    public bool HasEnded => _finished;

    /// <summary>A program that takes commands gets no more, and ends by itself; any other is killed if it runs.</summary>
    public void Dispose()
    {
        _registration.Dispose();
        if (!_finished && _mark is not null && !_busy) Leave();
        else if (!_finished) Kill();
        _process.Dispose();
        _finished = true;
    }

    private void Leave()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            return;
        }
    }

    private string ReadToMark()
    {
        StringBuilder text = new();
        while (_process.StandardOutput.ReadLine() is { } line && !IsMark(line)) text.Append(line).Append('\n');
        return text.ToString();
    }

    private bool IsMark(string line)
    {
        if (_mark is null || !line.StartsWith(_mark, StringComparison.Ordinal)) return false;
        if (!int.TryParse(line.AsSpan(_mark.Length), NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out int code)) return false;
        _exitCode = code;
        return true;
    }

    // What a killed build leaves the next one clears away.
    private void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It, or something that it had started, has ended by itself.
            return;
        }
    }
}
