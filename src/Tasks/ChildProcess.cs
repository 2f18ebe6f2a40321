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
    /// <summary>Begins the last line of a command after which kimg waits, and of the one for which it had waited; the exit code follows (src/Cli/Continuation.cs).</summary>
    public const string End = "exit ";

    private readonly Process _process;
    private readonly CancellationToken _cancellationToken;
    private readonly CancellationTokenRegistration _registration;
    private readonly bool _waits;
    private Task<string>? _output;
    private int? _said;
    private bool _finished;

    /// <param name="start">With stdin, stdout and stderr redirected.</param>
    /// <param name="cancellationToken">Ends it and all it has started.</param>
    /// <param name="waits">It is going to wait for what <see cref="Continue"/> tells it; otherwise its stdin is empty.</param>
    /// <exception cref="Win32Exception">There is no such program, or it may not be run.</exception>
    public ChildProcess(ProcessStartInfo start, CancellationToken cancellationToken, bool waits = false)
    {
        _process = Process.Start(start)!;
        _cancellationToken = cancellationToken;
        _registration = cancellationToken.Register(Kill);
        _waits = waits;
        if (!waits) Continue("");
    }

    /// <summary>The next line of stdout of a program that waits; null when it has ended.</summary>
    public string? ReadLine() => _process.StandardOutput.ReadLine();

    /// <summary>All of its stdin. What it prints from here on is its answer.</summary>
    public void Continue(string input)
    {
        try
        {
            _process.StandardInput.Write(input);
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended meanwhile; its exit code says more.
        }

        _output = Task.Run<string>(_waits ? ReadToMark : _process.StandardOutput.ReadToEnd, CancellationToken.None);
    }

    /// <param name="onErrorLine">Called on this thread for each line of stderr.</param>
    /// <exception cref="OperationCanceledException">The process is gone by then.</exception>
    public ProcessAnswer Finish(Action<string> onErrorLine)
    {
        while (_process.StandardError.ReadLine() is { } line)
        {
            if (IsMark(line)) break;
            onErrorLine(line);
        }

        string output = _output!.GetAwaiter().GetResult();
        // What has been said need not be waited for.
        if (_said is null) _process.WaitForExit();
        _finished = true;
        ThrowIfCanceled();
        return new ProcessAnswer(_said ?? _process.ExitCode, output);
    }

    /// <summary>Nothing more is wanted of a program that waits: it ends by itself, for which nobody has to wait.</summary>
    public void Leave()
    {
        _process.StandardInput.Close();
        _finished = true;
    }

    public void ThrowIfCanceled() => _cancellationToken.ThrowIfCancellationRequested();

    public void Dispose()
    {
        _registration.Dispose();
        if (!_finished) Kill();
        _process.Dispose();
        _finished = true;
    }

    private string ReadToMark()
    {
        StringBuilder text = new();
        while (ReadLine() is { } line)
        {
            if (IsMark(line)) break;
            text.Append(line).Append('\n');
        }

        return text.ToString();
    }

    private bool IsMark(string line)
    {
        if (!_waits || !line.StartsWith(End, StringComparison.Ordinal) || !int.TryParse(line.AsSpan(End.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int code)) return false;
        _said = code;
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
