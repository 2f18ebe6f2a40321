using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Tasks;

/// <summary>Runs kimg. Secrets reach it by its environment, never by its arguments, which are logged.</summary>
/// <param name="command">The program and its first arguments.</param>
internal sealed class KimgProcess(
    string[] command, string directory, IReadOnlyDictionary<string, string> variables, Action<string> logCommand, CancellationToken cancellationToken)
{
    private static readonly UTF8Encoding s_text = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>A kimg that waits for its next command; null: the next one is started.</summary>
    public ChildProcess? Next { get; set; }

    /// <param name="onErrorLine">Called for each line of stderr, before this returns.</param>
    /// <exception cref="OperationCanceledException">The process is gone by then.</exception>
    public ProcessAnswer Run(IEnumerable<string> arguments, Action<string> onErrorLine)
    {
        using ChildProcess child = Start([.. arguments]);
        return child.Finish(onErrorLine);
    }

    /// <summary>Starts a command after which the process waits for another one.</summary>
    public ChildProcess StartAndWait(IEnumerable<string> arguments) => Start(["then", .. arguments], waits: true);

    private ChildProcess Start(IReadOnlyCollection<string> arguments)
    {
        if (Next is not { } next) return Start(arguments, waits: false);
        Next = null;
        LogCommand(arguments);
        next.Continue(string.Join('\0', arguments));
        return next;
    }

    private ChildProcess Start(IEnumerable<string> arguments, bool waits)
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
        LogCommand(arguments);
        try
        {
            return new ChildProcess(start, cancellationToken, waits);
        }
        catch (Win32Exception e)
        {
            throw new KimgException(ErrorCode.UnsupportedBuildHost, $"cannot start '{command[0]}': {e.Message}", e)
            {
                Hint = "restore the package Kimg.Tasks again, or name a binary with KimgBinary",
            };
        }
    }

    private void LogCommand(IEnumerable<string> arguments) => logCommand(string.Join(' ', command.Concat(arguments).Select(Quote)));

    private static string Quote(string argument) => argument.Length > 0 && !argument.Any(char.IsWhiteSpace) ? argument : $"'{argument}'";
}
