using System.Collections.Immutable;
using Kimg.Engine.Build;
using Kimg.Engine.Cache;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Cache;

/// <summary>A registry with a base image that has a shell, a context, and machines that know nothing of each other.</summary>
internal sealed class CacheScene : IAsyncDisposable
{
    /// <summary>Two stages; what RUN makes differs each time it runs.</summary>
    public const string TwoStages = """
        FROM base AS build
        RUN echo tools >/tools && cat /proc/sys/kernel/random/uuid >/once
        COPY source /src/
        RUN tr a-z A-Z </src/source >/result && cat /proc/sys/kernel/random/uuid >/twice
        FROM base
        COPY --from=build /result /result
        RUN cat /result >/final && cat /proc/sys/kernel/random/uuid >/thrice
        """;

    private readonly TempDirectory _temp = new();
    private readonly List<Machine> _machines = [];

    private CacheScene()
    {
    }

    public TestRegistry Registry { get; } = TestRegistry.Start();

    public string this[string name] => _temp[name];

    public string Context => _temp["context"];

    public static async Task<CacheScene> StartAsync()
    {
        var scene = new CacheScene();
        Directory.CreateDirectory(scene.Context);
        File.Copy("/bin/busybox", Path.Combine(scene.Context, "busybox"));
        scene.Write("source", "some source\n");
        await using Machine maker = scene.NewMachine();
        await maker.BuildAsync(
            "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\n",
            r => r with { Names = [scene.Name("base:1")], Outputs = [new OutputSpec { Type = OutputType.Image, Push = true }] });
        scene.Registry.Requests.Clear();
        return scene;
    }

    public Machine NewMachine()
    {
        var machine = new Machine(this, _temp[$"state{_machines.Count}"]);
        _machines.Add(machine);
        return machine;
    }

    public void Write(string name, string text) => File.WriteAllText(Path.Combine(Context, name), text);

    public ImageReference Name(string rest) => ImageReference.Parse($"{Registry.Host}/{rest}");

    public RegistryCache InRegistry(string rest) => new(Name(rest));

    /// <summary>Bytes and blobs that went to or came from the registry, as its requests tell.</summary>
    public string[] BlobRequests(string method) =>
        [.. Registry.Requests.Where(r => r.StartsWith(method + " ", StringComparison.Ordinal) && r.Contains("/blobs/", StringComparison.Ordinal))];

    public async ValueTask DisposeAsync()
    {
        foreach (Machine machine in _machines) await machine.DisposeAsync();
        await Registry.DisposeAsync();
        _temp.Dispose();
    }
}

/// <summary>A state directory of its own.</summary>
internal sealed class Machine(CacheScene scene, string state) : IAsyncDisposable
{
    private ImageBuilder? _builder;

    public string State => state;

    public async Task<Built> BuildAsync(string dockerfile, Func<BuildRequest, BuildRequest>? with = null)
    {
        _builder ??= ImageBuilder.Create(new BuilderOptions
        {
            StateDirectory = state,
            WorkerExecutable = RepositoryFiles.Kimg,
            Registry = new() { RetryBaseDelay = TimeSpan.FromMilliseconds(1), RetryMaxDelay = TimeSpan.FromMilliseconds(5) },
        });
        var request = new BuildRequest
        {
            Context = new DirectoryContext(scene.Context),
            DockerfileText = dockerfile.Replace("FROM base", $"FROM {scene.Registry.Host}/base:1", StringComparison.Ordinal),
            Outputs = [new OutputSpec { Type = OutputType.Oci, Tar = false, Destination = state + "-out" }],
        };
        if (Directory.Exists(state + "-out")) Directory.Delete(state + "-out", recursive: true);
        var events = new Recorder();
        BuildResult result = await _builder.BuildAsync(with?.Invoke(request) ?? request, events);
        return new Built(result, events);
    }

    public Task<Built> BuildAsync(string dockerfile, CacheLocation from) => BuildAsync(dockerfile, r => r with { CacheFrom = [new CacheSource(from)] });

    public async ValueTask DisposeAsync()
    {
        if (_builder is not null) await _builder.DisposeAsync();
        _builder = null;
    }
}

internal sealed record Built(BuildResult Result, Recorder Events)
{
    public Digest Digest => Result.Root!.Digest;

    /// <summary>Steps that really ran, as the Dockerfile has them.</summary>
    public ImmutableArray<string> Ran => [.. Events.Ran.Where(n => n.Contains("] RUN ", StringComparison.Ordinal) || n.Contains("] COPY ", StringComparison.Ordinal))];

    public void AssertNothingRan() => Assert.Empty(Ran);
}

internal sealed class Recorder : IBuildObserver
{
    private readonly Dictionary<Digest, string> _names = [];

    public List<string> Ran { get; } = [];

    public List<string> Warnings { get; } = [];

    public List<string> Errors { get; } = [];

    public List<string> Log { get; } = [];

    public void OnEvent(BuildEvent e)
    {
        switch (e)
        {
            case VertexAdded added:
                _names[added.Vertex] = added.Name;
                break;
            case VertexCompleted { Cached: false, Error: null } done:
                Ran.Add(_names[done.Vertex]);
                break;
            case VertexCompleted { Error: { } error, Tolerated: false } failed:
                Errors.Add($"{_names[failed.Vertex]}: {error}");
                break;
            case VertexWarning warning:
                Warnings.Add($"{warning.Warning.Description}: {warning.Warning.Detail}");
                break;
            case VertexOutput output:
                Log.Add(System.Text.Encoding.UTF8.GetString(output.Data.Span));
                break;
        }
    }
}
