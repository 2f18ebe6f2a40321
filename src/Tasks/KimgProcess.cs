using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Tasks;

/// <summary>Runs kimg. Secrets reach it by its environment, never by its arguments, which are logged.</summary>
/// <param name="command">The program and its first arguments.</param>
internal sealed class KimgProcess(
    string[] command, string directory, IReadOnlyDictionary<string, string> variables, Action<string> logCommand, CancellationToken cancellationToken) : IDisposable
{
    private const string Commands = "commands";

    private static readonly UTF8Encoding s_text = new(encoderShouldEmitUTF8Identifier: false);

    private ChildProcess? _running;

    /// <summary>Starts a kimg that takes commands, while what they are is still being found out.</summary>
    /// <exception cref="KimgException">UnsupportedBuildHost.</exception>
    public EarlyKimg StartEarly()
    {
        string mark = Guid.NewGuid().ToString("n");
        return new EarlyKimg(Start(Describe([Commands, mark]), mark), KeyOf(Describe([Commands])));
    }

    /// <summary>Runs all commands in one process.</summary>
    /// <param name="early">One that was started before; null, or one that was started otherwise than this would: another is started.</param>
    public void Use(EarlyKimg? early)
    {
        if (early is not null && early.Key != KeyOf(Describe([Commands])))
        {
            early.Dispose();
            early = null;
        }

        _running = (early ?? StartEarly()).Child;
        _running.EndWith(cancellationToken);
    }

    /// <param name="onErrorLine">Called for each line of stderr, before this returns.</param>
    /// <param name="meanwhile">Called while it runs.</param>
    /// <exception cref="KimgException">UnsupportedBuildHost.</exception>
    /// <exception cref="OperationCanceledException">The process is gone by then.</exception>
    public ProcessAnswer Run(IEnumerable<string> arguments, Action<string> onErrorLine, Action? meanwhile = null)
    {
        string[] given = [.. arguments];
        logCommand(string.Join(' ', command.Concat(given).Select(Quote)));
        if (_running is { HasEnded: false } running)
        {
            running.Send(given);
            meanwhile?.Invoke();
            return running.Finish(onErrorLine);
        }

        using ChildProcess child = Start(Describe(given), mark: null);
        meanwhile?.Invoke();
        return child.Finish(onErrorLine);
    }

    public void Dispose() => _running?.Dispose();

    private ProcessStartInfo Describe(string[] arguments)
    {
        ProcessStartInfo start = new(command[0], command[1..].Concat(arguments))
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = s_text,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        foreach ((string name, string value) in variables) start.Environment[name] = value;
        SdkCredentials.Translate(start.Environment);
        return start;
    }

    // All that a process takes over from where it is started, as a digest: there are secrets in it.
    private static Digest KeyOf(ProcessStartInfo start)
    {
        IEnumerable<string> variables = start.Environment.Select(variable => $"{variable.Key}={variable.Value}").Order(StringComparer.Ordinal);
        return Digest.Sha256(string.Join('\0', [start.FileName, start.WorkingDirectory, .. start.ArgumentList, .. variables]));
    }

    private ChildProcess Start(ProcessStartInfo start, string? mark)
    {
        try
        {
            return new ChildProcess(start, cancellationToken, mark);
        }
        catch (Win32Exception e)
        {
            throw new KimgException(ErrorCode.UnsupportedBuildHost, $"cannot start '{command[0]}': {e.Message}", e)
            {
                Hint = "restore the package Kimg.Tasks again, or name a binary with KimgBinary",
            };
        }
    }

    private static string Quote(string argument) => argument.Length > 0 && !argument.Any(char.IsWhiteSpace) ? argument : $"'{argument}'";
}
