using System.Globalization;
using Kimg.Cli.CommandLine;
using Kimg.Engine.Primitives;

namespace Kimg.Cli;

/// <summary><c>kimg then VERB …</c>, hidden, for the MSBuild tasks: after that command (whose messages nobody wants) its exit code is the last line on stdout, and
/// the process waits for another one on stdin, its arguments with NUL in between. That one has the process for itself, and its exit code is the last line on
/// stderr and then on stdout: what the kernel needs to take a process away nobody has to wait for. Without a second command this was all.</summary>
internal static class Continuation
{
    internal const string Word = "then";

    /// <summary>Begins the line with the exit code.</summary>
    internal const string End = "exit ";

    internal static async Task<int> RunAsync(string[] args, CliHost silent, CliHost host, CancellationToken interrupted)
    {
        int code = await Runner.RunAsync(args, silent, interrupted);
        host.Write(Line(code));
        using var next = new MemoryStream();
        await host.Input.Value.CopyToAsync(next, interrupted);
        if (next.Length == 0) return code;
        code = await Runner.RunAsync(PathText.Decode(next.ToArray()).Split('\0'), host, interrupted);
        host.WriteError(Line(code));
        host.Write(Line(code));
        return code;
    }

    private static string Line(int code) => string.Create(CultureInfo.InvariantCulture, $"{End}{code}\n");
}
