using System.Diagnostics;
using System.Text;

namespace Kimg.TestKit;

/// <summary>Programs of this machine that are not ours: run to the end, output and exit code looked at.</summary>
public static class HostProgram
{
    /// <summary>Both streams are read; the program gets no input. It is killed, with its children, after <paramref name="limit"/> (default: 10 minutes).</summary>
    public static async Task<ProgramResult> RunAsync(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? directory = null, TimeSpan? limit = null)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory ?? "",
        };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;

        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        process.StandardInput.Close();
        StringBuilder errors = new();
        process.ErrorDataReceived += (_, line) => errors.AppendLine(line.Data);
        process.BeginErrorReadLine();
        using CancellationTokenSource timeout = new(limit ?? TimeSpan.FromMinutes(10));
        try
        {
            string output = await process.StandardOutput.ReadToEndAsync(timeout.Token);
            await process.WaitForExitAsync(timeout.Token);
            return new ProgramResult($"{program} {string.Join(' ', start.ArgumentList)}", process.ExitCode, output, errors.ToString());
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', start.ArgumentList)} did not end in time\n{errors}");
        }
    }

    /// <summary>As <see cref="RunAsync"/>, but a failure of the program is one of the test.</summary>
    /// <returns>Its standard output.</returns>
    public static async Task<string> MustAsync(string program, params string[] arguments) =>
        (await RunAsync(program, arguments)).OutputOrThrow();
}
