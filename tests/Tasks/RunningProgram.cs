using System.Diagnostics;
using Kimg.TestKit;

namespace Kimg.Tasks.Tests;

/// <summary>A program that is signalled while a step of its build sleeps.</summary>
internal sealed class RunningProgram : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _output, _errors;

    public RunningProgram(string program, string directory, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        _process = Process.Start(start)!;
        _output = _process.StandardOutput.ReadToEndAsync();
        _errors = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>Waits for <c>sleep <paramref name="seconds"/></c> to run below it, and sends the signal to the program alone.</summary>
    /// <returns>Exit code, all it said, and how long it took to end.</returns>
    public async Task<(int ExitCode, string Output, TimeSpan Took)> SignalAsync(string signal, int seconds)
    {
        while (await SleepsAsync(seconds) == "")
        {
            if (_process.HasExited) throw new InvalidOperationException("it ended before it slept: " + await _output + await _errors);
        }

        Stopwatch watch = Stopwatch.StartNew();
        await HostProgram.MustAsync("kill", "-s", signal, $"{_process.Id}");
        await _process.WaitForExitAsync();
        return (_process.ExitCode, await _output + await _errors, watch.Elapsed);
    }

    public static async Task<string> SleepsAsync(int seconds) => (await HostProgram.RunAsync("pgrep", ["-f", $"^sleep {seconds}$"])).Output;

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }
}
