using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Kimg.Tool;

/// <summary>dotnet or kimg, which does the work. A signal that only the tool gets is passed on, so that nothing goes on without it.</summary>
internal static class ChildProgram
{
    /// <param name="output">Where its standard output goes; null: to that of the tool.</param>
    public static async Task<int> RunAsync(string program, IEnumerable<string> arguments, Stream? output = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = output is not null };
        using Process process = Process.Start(start) ?? throw new UsageException($"{program} did not start");
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Pass(context, process.Id));
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Pass(context, process.Id));
        if (output is not null) await process.StandardOutput.BaseStream.CopyToAsync(output);
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    // As an interrupt, whatever it was: MSBuild stops its tasks then, and ends without a word of SIGTERM to them.
    private static void Pass(PosixSignalContext context, int process)
    {
        context.Cancel = true;
        if (OperatingSystem.IsWindows() || (context.Signal == PosixSignal.SIGINT && IsOnTerminal())) return;
        using Process? kill = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", FormattableString.Invariant($"kill -s INT {process}")]));
        kill?.WaitForExit();
    }

    // Ctrl-C goes to all programs in a terminal's foreground, and of a second signal kimg would end without clearing up.
    private static bool IsOnTerminal()
    {
        if (!File.Exists("/proc/self/stat")) return !Console.IsInputRedirected;
        // After the name, which may have blanks: state, parent, group, session, terminal, its foreground group.
        string[] fields = File.ReadAllText("/proc/self/stat").Split(") ")[^1].Split(' ');
        return fields[4] != "0" && fields[5] == fields[2];
    }
}
