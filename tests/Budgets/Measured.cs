using System.Globalization;
using System.Text.RegularExpressions;
using Kimg.TestKit;

namespace Kimg.Budgets;

/// <summary>One run of the static binary under a program that counts.</summary>
internal sealed partial class Measured(string stateDirectory)
{
    private static readonly Dictionary<string, string> s_valgrind = new()
    {
        // The collector reserves 256 GB of addresses by default, more than valgrind has to give.
        ["DOTNET_GCRegionRange"] = "80000000",
        // When the collector runs depends on the machine and the moment, and one run of it is a tenth of a small build: none within 128 MB.
        ["DOTNET_GCgen0size"] = "8000000",
    };

    public async Task RunAsync(params string[] arguments) => (await HostProgram.RunAsync(RepositoryFiles.Kimg, WithState(arguments))).OutputOrThrow();

    /// <summary>Instructions of the front process; what it starts is not counted.</summary>
    public async Task<long> InstructionsAsync(params string[] arguments)
    {
        ProgramResult result = await HostProgram.RunAsync(
            "valgrind", ["--tool=callgrind", "--callgrind-out-file=/dev/null", RepositoryFiles.Kimg, .. WithState(arguments)], s_valgrind);
        result.OutputOrThrow();
        return long.Parse(Collected().Match(result.Errors).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    /// <summary>Programs started, kimg itself included.</summary>
    public async Task<long> ProcessesAsync(params string[] arguments)
    {
        ProgramResult result = await HostProgram.RunAsync(
            "strace",
            [
                "-f", "-qq", "--seccomp-bpf", "-e", "trace=execve,execveat", "-e", "status=successful", "-e", "signal=none",
                RepositoryFiles.Kimg, .. WithState(arguments),
            ]);
        result.OutputOrThrow();
        return result.Errors.Split('\n').Count(line => line.Contains("execve", StringComparison.Ordinal));
    }

    /// <summary>System calls that take a path, and reads of directories, of all processes.</summary>
    public async Task<long> FileCallsAsync(params string[] arguments)
    {
        ProgramResult result = await HostProgram.RunAsync(
            "strace", ["-f", "-c", "-qq", "-e", "trace=%file,getdents64", "-e", "signal=none", RepositoryFiles.Kimg, .. WithState(arguments)]);
        result.OutputOrThrow();
        return long.Parse(Total().Match(result.Errors).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    /// <summary>Bytes resident at most, in the largest of the processes.</summary>
    public async Task<long> MemoryAsync(params string[] arguments)
    {
        ProgramResult result = await HostProgram.RunAsync("/usr/bin/time", ["-f", "%M KiB at most", RepositoryFiles.Kimg, .. WithState(arguments)]);
        result.OutputOrThrow();
        return 1024 * long.Parse(AtMost().Match(result.Errors).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    private string[] WithState(string[] arguments) =>
        arguments[0] == "build" ? ["build", "--progress", "none", "--state-dir", stateDirectory, .. arguments.Skip(1)] : arguments;

    [GeneratedRegex(@"Collected : (\d+)")]
    private static partial Regex Collected();

    [GeneratedRegex(@"100\.00 +\S+ +\d+ +(\d+) .*total")]
    private static partial Regex Total();

    [GeneratedRegex(@"(\d+) KiB at most")]
    private static partial Regex AtMost();
}
