using System.Globalization;
using Kimg.Cli.CommandLine;
using Kimg.Cli.Errors;
using Kimg.Engine.Primitives;

namespace Kimg.Cli;

/// <summary><c>kimg commands MARK</c>, hidden, for the MSBuild tasks: one command after the other from stdin, so that several pay one start, and that while the task
/// still finds out what it wants. A command is the number of its arguments and these, each with a NUL behind it. After each the mark and the exit code are a line of
/// their own on stderr and then on stdout: what the kernel needs to take a process away nobody has to wait for.</summary>
internal static class CommandStream
{
    internal const string Word = "commands";

    private const int MaxArguments = 100_000;

    /// <param name="mark">What no command prints.</param>
    /// <returns>The last command's exit code.</returns>
    internal static async Task<int> RunAsync(string mark, CliHost host, CancellationToken interrupted)
    {
        using var input = new BufferedStream(host.Input.Value);
        int code = 0;
        try
        {
            // A read from a pipe cannot be interrupted, but be left alone.
            while (await Task.Run(() => Read(input), CancellationToken.None).WaitAsync(interrupted) is { } args)
            {
                code = await Runner.RunAsync(args, host, interrupted);
                string end = string.Create(CultureInfo.InvariantCulture, $"\n{mark} {code}\n");
                host.WriteError(end);
                host.Write(end);
            }

            return code;
        }
        catch (Exception e) when (e is KimgException or OperationCanceledException)
        {
            KimgException error = ErrorRenderer.Classify(e);
            host.WriteError(new ErrorRenderer(LogFormat.Text, host.Colours, debug: false).Render(error, host.Time.GetUtcNow()));
            return error.ExitCode;
        }
    }

    // Null at the end.
    private static string[]? Read(Stream input)
    {
        if (ReadText(input) is not { } count) return null;
        if (!int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int length) || length > MaxArguments)
            throw new KimgException(ErrorCode.InvalidArgument, $"{Word}: '{count}' is no number of arguments") { Hint = "this verb is for the MSBuild tasks of the same version" };
        string[] args = new string[length];
        for (int i = 0; i < length; i++)
        {
            if (ReadText(input) is not { } text) return null;
            args[i] = text;
        }

        return args;
    }

    private static string? ReadText(Stream input)
    {
        var bytes = new MemoryStream();
        while (true)
        {
            switch (input.ReadByte())
            {
                case -1: return null;
                case 0: return PathText.Decode(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
                case int b: bytes.WriteByte((byte)b); break;
            }
        }
    }
}
