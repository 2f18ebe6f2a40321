using Kimg.Engine.Dockerfile;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Engine.Tests.Dockerfile;

/// <summary>A folder of tests/vectors/dockerfile.</summary>
internal sealed class VectorCase(string suite, string name)
{
    public static string Repository { get; } = FindRepository();

    private static readonly string s_root = Path.Combine(Repository, "tests", "vectors", "dockerfile");

    private string Folder { get; } = Path.Combine(s_root, suite, name);

    public static TheoryData<string> Names(string suite) =>
        [.. Directory.GetDirectories(Path.Combine(s_root, suite)).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal)];

    public byte[] Bytes(string file) => File.ReadAllBytes(Path.Combine(Folder, file));

    public string Text(string file) => File.ReadAllText(Path.Combine(Folder, file));

    public string SuiteText(string file) => File.ReadAllText(Path.Combine(s_root, suite, file));

    /// <summary>The options of the file "options", if there is one: lines <c>arg NAME=value</c>, <c>target NAME</c>, <c>platform P</c>, …</summary>
    public FrontendOptions Options()
    {
        FrontendOptions options = FakeHost.Options;
        string ignore = Path.Combine(Folder, "dockerignore");
        if (File.Exists(ignore)) options = options with { IgnorePatterns = PatternMatcher.ReadIgnoreFile(File.ReadAllText(ignore)) };
        if (!File.Exists(Path.Combine(Folder, "options"))) return options;
        foreach (string line in Text("options").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int blank = line.IndexOf(' ');
            string key = blank < 0 ? line : line[..blank], value = blank < 0 ? "" : line[(blank + 1)..];
            options = key switch
            {
                "arg" => options with { BuildArgs = options.BuildArgs.SetItem(ImageDraft.KeyOf(value), ImageDraft.ValueOf(value)) },
                "label" => options with { Labels = options.Labels.SetItem(ImageDraft.KeyOf(value), ImageDraft.ValueOf(value)) },
                "target" => options with { Target = value },
                "platform" => options with { Platform = Platform.Parse(value) },
                "multi-platform" => options with { MultiPlatform = true },
                "no-cache" => options with { NoCache = true },
                "no-cache-filter" => options with { NoCacheFilter = options.NoCacheFilter.Add(value) },
                "allow" => options with { Entitlements = options.Entitlements.Add(value) },
                "network" => options with { Network = Enum.Parse<NetworkMode>(value) },
                _ => throw new InvalidOperationException($"unknown option '{line}' of {suite}/{name}"),
            };
        }

        return options;
    }

    public static void Run(string suite, string name, string expected, Func<VectorCase, string> produce)
    {
        var vector = new VectorCase(suite, name);
        vector.Compare(expected, produce(vector));
    }

    public static async Task RunAsync(string suite, string name, string expected, Func<VectorCase, Task<string>> produce)
    {
        var vector = new VectorCase(suite, name);
        vector.Compare(expected, await produce(vector));
    }

    private void Compare(string expected, string actual)
    {
        string path = Path.Combine(Folder, expected);
        if (Environment.GetEnvironmentVariable("KIMG_UPDATE_GOLDEN") == "1") File.WriteAllText(path, actual);
        Assert.Equal(File.ReadAllText(path), actual);
    }

    private static string FindRepository()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Builder.Tasks.sln"))) directory = Path.GetDirectoryName(directory);
        return directory ?? throw new InvalidOperationException("the tests run outside the repository");
    }
}
