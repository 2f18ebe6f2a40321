using System.Collections.Frozen;
using Kimg.Cli.Facade;
using Kimg.Engine.Build;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Cli;

/// <summary>Everything of the surroundings that a verb may touch; tests give their own.</summary>
internal sealed class CliHost
{
    /// <summary>An environment variable, or null.</summary>
    public required Func<string, string?> Variable { get; init; }

    /// <summary>The names of all environment variables.</summary>
    public required Func<IEnumerable<string>> VariableNames { get; init; }

    public required string CurrentDirectory { get; init; }

    public required Lazy<Stream> Input { get; init; }

    public required Lazy<Stream> Output { get; init; }

    public required Lazy<Stream> Error { get; init; }

    public required Func<bool> OutputIsTerminal { get; init; }

    public required Func<bool> ErrorIsTerminal { get; init; }

    public required Func<bool> InputIsTerminal { get; init; }

    /// <summary>Lets the terminal behind stdin not show what is typed, until the result is disposed.</summary>
    public required Func<IDisposable> HideTyping { get; init; }

    /// <summary>Columns and rows of the terminal behind stderr.</summary>
    public required Func<(int Width, int Height)> TerminalSize { get; init; }

    public required TimeProvider Time { get; init; }

    public required Func<EngineOptions, IEngine> OpenEngine { get; init; }

    /// <summary>Colours on stderr (https://no-color.org).</summary>
    public bool Colours => ErrorIsTerminal() && string.IsNullOrEmpty(Variable("NO_COLOR"));

    public void Write(string text) => Write(Output.Value, text);

    public void WriteLine(string text) => Write(text + "\n");

    public void WriteError(string text) => Write(Error.Value, text);

    private static void Write(Stream stream, string text)
    {
        stream.Write(PathText.Encode(text));
        stream.Flush();
    }

    public static CliHost Real()
    {
        FrozenDictionary<string, string> variables = HostVariables.Read();
        return new CliHost
        {
            Variable = variables.GetValueOrDefault,
            VariableNames = () => variables.Keys,
            CurrentDirectory = FindCurrentDirectory(),
            Input = new(OpenInput),
            Output = new(Console.OpenStandardOutput),
            Error = new(Console.OpenStandardError),
            OutputIsTerminal = () => !Console.IsOutputRedirected,
            // Windows' console has to be told that escape sequences are meant, which .NET cannot.
            ErrorIsTerminal = () => !Console.IsErrorRedirected && !OperatingSystem.IsWindows(),
            InputIsTerminal = () => !Console.IsInputRedirected,
            HideTyping = Logins.HideTyping,
            TerminalSize = () => (Console.WindowWidth, Console.WindowHeight),
            Time = TimeProvider.System,
            OpenEngine = options => new EngineFacade(
                BuilderOptionsFactory.Create(options, variables, TimeProvider.System) with { Output = Console.OpenStandardOutput }),
        };
    }

    // Console's own stream shows what is typed by itself, whatever the terminal is told.
    private static Stream OpenInput() =>
        OperatingSystem.IsLinux() ? new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, 0) : Console.OpenStandardInput();

    // A directory that was removed has no path any more, but what is relative to it still fails as itself.
    private static string FindCurrentDirectory()
    {
        try
        {
            return Environment.CurrentDirectory;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return "/proc/self/cwd";
        }
    }
}
