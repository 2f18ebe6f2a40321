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
    /// <param name="onErrorLine">Called for each line of stderr, before this returns.</param>
    /// <exception cref="OperationCanceledException">The process is gone by then.</exception>
    public ProcessAnswer Run(IEnumerable<string> arguments, Action<string> onErrorLine)
    {
        using ChildProcess child = Start(arguments);
        return child.Finish(onErrorLine);
    }

    public ChildProcess Start(IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(command[0], command[1..].Concat(arguments))
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        foreach ((string name, string value) in variables) start.Environment[name] = value;
        SdkCredentials.Translate(start.Environment);
        logCommand($"{command[0]} {string.Join(' ', start.ArgumentList.Select(Quote))}");
        try
        {
            return new ChildProcess(start, cancellationToken);
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
