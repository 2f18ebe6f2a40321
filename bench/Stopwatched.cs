using System.Collections.Immutable;
using System.Diagnostics;

namespace Kimg.Bench;

/// <summary>Runs a builder's commands and takes the time of all of them together, and the most memory in use.</summary>
internal static class Stopwatched
{
    public static async Task<(double Seconds, double Bytes)> RunAsync(Builder builder, BuildJob job, bool memory = false)
    {
        double seconds = 0, bytes = 0;
        foreach (ImmutableArray<string> command in builder.Commands(job))
        {
            ProcessStartInfo start = new(command[0], command.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
            foreach ((string name, string value) in builder.Environment)
                start.Environment[name] = value;
            long began = Stopwatch.GetTimestamp();
            using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{command[0]} did not start");
            process.StandardInput.Close();
            Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
            MemoryProbe? probe = memory ? new MemoryProbe(process.Id, builder.Daemons) : null;
            await process.WaitForExitAsync();
            seconds += Stopwatch.GetElapsedTime(began).TotalSeconds;
            if (probe is not null)
            {
                await probe.DisposeAsync();
                bytes = Math.Max(bytes, probe.Peak);
            }

            if (process.ExitCode != 0)
            {
                string why = await errors + await output;
                throw new InvalidOperationException($"exit code {process.ExitCode}: {why.Trim().Split('\n')[0]}\n{string.Join(' ', command)}\n{why}");
            }
        }

        return (seconds, bytes);
    }
}
