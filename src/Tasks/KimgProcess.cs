using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Tasks;

/// <summary>Runs kimg. Secrets reach it by its environment, never by its arguments, which are logged.</summary>
/// <param name="command">The program and its first arguments.</param>
internal sealed class KimgProcess(string[] command, string directory, IReadOnlyDictionary<string, string> variables, Action<string> logCommand)
{
    /// <param name="onErrorLine">Called for each line of stderr, from one thread at a time, before this returns.</param>
    /// <exception cref="OperationCanceledException">The process is gone by then.</exception>
    public async Task<(int ExitCode, string Output)> RunAsync(IEnumerable<string> arguments, Action<string> onErrorLine, CancellationToken cancellationToken)
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
        using Process process = Start(start);
        process.StandardInput.Close();
        await using CancellationTokenRegistration kill = cancellationToken.Register(() => Kill(process));
        Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        while (await process.StandardError.ReadLineAsync(CancellationToken.None) is { } line) onErrorLine(line);
        string text = await output;
        await process.WaitForExitAsync(CancellationToken.None);
        cancellationToken.ThrowIfCancellationRequested();
        return (process.ExitCode, text);
    }

    private Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start) ?? throw new KimgException(ErrorCode.UnsupportedBuildHost, $"'{command[0]}' did not start");
        }
        catch (Win32Exception e)
        {
            throw new KimgException(ErrorCode.UnsupportedBuildHost, $"cannot start '{command[0]}': {e.Message}", e)
            {
                Hint = "restore the package Kimg.Tasks again, or name a binary with KimgBinary",
            };
        }
    }

    // The worker and the steps end with it, and what a killed build leaves the next one clears away.
    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
            return;
        }
    }

    private static string Quote(string argument) => argument.Length > 0 && !argument.Any(char.IsWhiteSpace) ? argument : $"'{argument}'";
}
