using Kimg.Cli.Tests.Surroundings;
using Kimg.Engine.Build;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Cli.Tests.Ci;

/// <summary>A step of a GitHub job: <c>kimg ci github</c> with inputs, a checkout with <c>app/Dockerfile</c>, and an event.</summary>
internal sealed class ActionScene : IDisposable
{
    public ActionScene()
    {
        Host.Write("app/Dockerfile", "FROM scratch\n");
        foreach ((string name, string value) in new[]
        {
            ("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "o/app"), ("GITHUB_SHA", "c0ffee0123456789"), ("GITHUB_REF", "refs/heads/main"), ("GITHUB_EVENT_NAME", "push"),
            ("GITHUB_WORKSPACE", Host.WorkingDirectory), ("GITHUB_OUTPUT", Path.Combine(Host.WorkingDirectory, "output")),
            ("GITHUB_STEP_SUMMARY", Path.Combine(Host.WorkingDirectory, "summary.md")), ("INPUT_CONTEXT", "app"),
        }) Host.Environment[name] = value;
        var platform = new PlatformImage(Platform.Parse("linux/amd64"), RecordingEngine.Root, ReadOnlyMemory<byte>.Empty, [RecordingEngine.Root]);
        Host.Engine.Image = new ImageReport("app", RecordingEngine.Root, ReadOnlyMemory<byte>.Empty, [platform]);
    }

    public TestHost Host { get; } = new();

    public BuildRequest Request => Host.Engine.Request ?? throw new InvalidOperationException(Host.Error);

    public string Summary => File.ReadAllText(Path.Combine(Host.WorkingDirectory, "summary.md"));

    /// <summary>NAME → value, as the runner reads them.</summary>
    public Dictionary<string, string> Outputs
    {
        get
        {
            string[] lines = File.ReadAllLines(Path.Combine(Host.WorkingDirectory, "output"));
            var outputs = new Dictionary<string, string>();
            for (int i = 0; i < lines.Length; i++)
            {
                string[] head = lines[i].Split("<<");
                int end = Array.IndexOf(lines, head[1], i + 1);
                outputs[head[0]] = string.Join('\n', lines[(i + 1)..end]);
                i = end;
            }

            return outputs;
        }
    }

    public void Dispose() => Host.Dispose();

    public void Event(string name, string payload)
    {
        Host.Environment["GITHUB_EVENT_NAME"] = name;
        Host.Environment["GITHUB_EVENT_PATH"] = Host.Write("event.json", payload);
    }

    public Task<int> RunAsync(params (string Name, string Value)[] inputs)
    {
        foreach ((string name, string value) in inputs) Host.Environment["INPUT_" + name.ToUpperInvariant()] = value;
        return Host.RunAsync("ci", "github");
    }

    public async Task SucceedAsync(params (string Name, string Value)[] inputs) => Assert.True(await RunAsync(inputs) == 0, Host.Error);

    public async Task FailAsync(string message, params (string Name, string Value)[] inputs)
    {
        Assert.Equal(2, await RunAsync(inputs));
        Assert.Contains(message, Host.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("build", Host.Engine.Calls);
    }
}
