using Kimg.Cli.Tests.Surroundings;
using Kimg.Engine.Build;
using Kimg.Engine.Oci;
using Xunit;

namespace Kimg.Cli.Tests.CommandLine;

/// <summary>Every command line in the guides is one that kimg understands.</summary>
public sealed class ExamplesTests
{
    public static TheoryData<string, string> Examples()
    {
        var examples = new TheoryData<string, string>();
        foreach (string guide in new[] { "docs/cache.md", "docs/platforms.md" })
        {
            IEnumerable<string> lines = File.ReadLines(Path.Combine(Golden.Repository(), guide));
            foreach (string line in lines.Where(l => l.StartsWith("kimg ", StringComparison.Ordinal))) examples.Add(guide, line);
        }

        return examples;
    }

    [Theory, MemberData(nameof(Examples))]
    public async Task Is_understood(string guide, string line)
    {
        using var host = new TestHost();
        (host.Environment["ACTIONS_RESULTS_URL"], host.Environment["ACTIONS_RUNTIME_TOKEN"]) = ("https://results.example.com/", "token");
        Descriptor root = RecordingEngine.Root with { MediaType = MediaTypes.OciIndex };
        host.Engine.Image = new ImageReport("x", root, """{"schemaVersion":2,"manifests":[]}"""u8.ToArray(), []);
        string[] argv = [.. Words(line.Replace("/opt/qemu/", "/usr/bin/", StringComparison.Ordinal)).Skip(1)];
        int exit = await host.RunAsync(argv);
        Assert.True(exit == 0, $"{guide}: {line}\n{host.Error}");
        Assert.NotEmpty(host.Engine.Calls);
    }

    // Words of a shell, with double quotes only.
    private static IEnumerable<string> Words(string line) =>
        line.Split('"').SelectMany((part, i) => i % 2 == 1 ? [part] : part.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
