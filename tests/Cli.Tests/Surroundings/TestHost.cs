using System.Text;
using Kimg.Cli.CommandLine;
using Kimg.Cli.Facade;

namespace Kimg.Cli.Tests.Surroundings;

/// <summary>A command line with its own streams, environment, clock and engine.</summary>
internal sealed class TestHost : IDisposable
{
    private readonly MemoryStream _output = new(), _error = new();

    public TestHost()
    {
        Directory.CreateDirectory(WorkingDirectory);
        Environment["XDG_CONFIG_HOME"] = Path.Combine(WorkingDirectory, "config");
    }

    public string WorkingDirectory { get; } = Path.Combine(AppContext.BaseDirectory, "work", Guid.NewGuid().ToString("N"));

    public Dictionary<string, string> Environment { get; } = [];

    public byte[] Input { get; set; } = [];

    public bool OutputIsTerminal { get; set; }

    public bool InputIsTerminal { get; set; }

    /// <summary>How often typing was hidden.</summary>
    public int Hidden { get; private set; }

    public RecordingEngine Engine { get; } = new();

    public EngineOptions? EngineOptions { get; private set; }

    public string Output => Encoding.UTF8.GetString(_output.ToArray());

    public string Error => Encoding.UTF8.GetString(_error.ToArray());

    public CliHost Host => new()
    {
        Variable = name => Environment.GetValueOrDefault(name),
        VariableNames = () => Environment.Keys,
        CurrentDirectory = WorkingDirectory,
        Input = new(() => new MemoryStream(Input)),
        Output = new(() => _output),
        Error = new(() => _error),
        OutputIsTerminal = () => OutputIsTerminal,
        ErrorIsTerminal = () => false,
        InputIsTerminal = () => InputIsTerminal,
        HideTyping = () =>
        {
            Hidden++;
            return new MemoryStream();
        },
        TerminalSize = () => (80, 24),
        Time = new FixedTime(),
        OpenEngine = options =>
        {
            EngineOptions = options;
            return Engine;
        },
    };

    public Task<int> RunAsync(params string[] argv) => Runner.RunAsync(argv, Host, CancellationToken.None);

    public string Write(string path, string text)
    {
        string full = Path.Combine(WorkingDirectory, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
        return full;
    }

    public void Dispose() => Directory.Delete(WorkingDirectory, recursive: true);

    private sealed class FixedTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);
    }
}
