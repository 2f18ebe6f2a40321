using System.Collections.Immutable;
using Kimg.Cli.Facade;
using Kimg.Engine.Build;
using Kimg.Engine.Cache;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;

namespace Kimg.Cli.Tests.Surroundings;

/// <summary>Notes what it is asked and gives prepared answers.</summary>
internal sealed class RecordingEngine : IEngine
{
    public static readonly Descriptor Root = new() { MediaType = MediaTypes.OciManifest, Digest = Digest.Sha256("root"), Size = 4 };

    public BuildRequest? Request { get; private set; }

    public List<string> Calls { get; } = [];

    public Exception? Failure { get; set; }

    public ImmutableArray<BuildEvent> Events { get; set; } = [];

    public BuildResult Result { get; set; } = new() { Root = Root, ImageId = Digest.Sha256("config") };

    public CheckResult Report { get; set; } = new([], null) { FileName = "Dockerfile", Source = new SourceText("FROM scratch\n") };

    public ImageReport? Image { get; set; }

    public ImmutableArray<UsageItem> Usage { get; set; } = [];

    public Task<BuildResult> BuildAsync(BuildRequest request, IBuildObserver observer, CancellationToken cancellationToken)
    {
        Request = request;
        foreach (BuildEvent e in Events) observer.OnEvent(e);
        if (request.MetadataFile is { } metadata) File.WriteAllText(metadata, "{}");
        return Answer("build", Result);
    }

    public Task<CheckResult> CheckAsync(BuildRequest request, CancellationToken cancellationToken)
    {
        Request = request;
        return Answer("check", Report);
    }

    public Task<DockerfileOutline> OutlineAsync(BuildRequest request, CancellationToken cancellationToken)
    {
        var span = new SourceSpan("Dockerfile", 3, 1, 3, 10);
        return Answer("outline", new DockerfileOutline("app", "is\u001b[2J shipped", [new OutlineArg("V", "of it", "1", span)], [new OutlineSecret("s", true, span)], [])
        {
            Source = Report.Source,
        });
    }

    public Task<DockerfileTargets> ListTargetsAsync(BuildRequest request, CancellationToken cancellationToken) =>
        Answer("targets", DockerfileTargets.Parse("# a is first\nFROM scratch AS a\nFROM a\n", "Dockerfile"));

    public Task<Descriptor> CopyAsync(
        ImageLocation source,
        ImageLocation destination,
        ImmutableArray<Platform> platforms,
        IBuildObserver observer,
        CancellationToken cancellationToken) => Answer($"copy {Text(source)} → {Text(destination)} [{string.Join(',', platforms)}]", Root);

    public Task<ImageReport> InspectAsync(ImageLocation location, Platform? platform, CancellationToken cancellationToken) =>
        Answer($"inspect {location} {platform}", Image!);

    public Task<Descriptor> ResolveAsync(ImageLocation location, CancellationToken cancellationToken) => Answer($"resolve {location}", Root);

    public Task TagAsync(ImageReference source, ImageReference name, CancellationToken cancellationToken) => Answer($"tag {source} {name}", 0);

    public Task<ReadOnlyMemory<byte>> CreateIndexAsync(IndexRequest request, IBuildObserver observer, CancellationToken cancellationToken) => Answer(
        $"index {string.Join(' ', request.Sources.Select(Text))} → {string.Join(' ', request.Destinations.Select(Text))}"
            + $" append={request.Append} dry={request.DryRun} {string.Join(' ', request.Annotations)}",
        (ReadOnlyMemory<byte>)"{}"u8.ToArray());

    public Task<Descriptor> AnnotateIndexAsync(
        ImageLocation location, ImmutableArray<Annotation> annotations, IBuildObserver observer, CancellationToken cancellationToken) =>
        Answer($"annotate {Text(location)} {string.Join(' ', annotations)}", Root);

    public Task<CacheReport> ExportCacheAsync(CacheDestination destination, IBuildObserver observer, CancellationToken cancellationToken) =>
        Answer($"cache export {destination.Location}", Cache);

    public Task<CacheReport> ImportCacheAsync(CacheLocation location, IBuildObserver observer, CancellationToken cancellationToken) =>
        Answer($"cache import {location}", Cache);

    public Task<CacheReport> InspectCacheAsync(CacheLocation location, CancellationToken cancellationToken) => Answer($"cache inspect {location}", Cache);

    private static CacheReport Cache => new(
        "example.com/app:cache", new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), 7, [Root with { Size = 1_500_000 }], 3, [new("/root/.npm", 20_000_000, Root)]);

    public Task<ImmutableArray<UsageItem>> ListUsageAsync(ImmutableArray<UsageFilter> filters, CancellationToken cancellationToken) =>
        Answer("du" + string.Concat(filters.Select(f => " " + f.Text)), Usage);

    public Task<PruneReport> PruneAsync(PruneRequest request, CancellationToken cancellationToken) =>
        Answer(
            $"prune {request.OlderThan} {request.KeepBytes} {request.All} {request.MinFreeBytes} {request.ReservedBytes} {string.Join(' ', request.Filters.Select(f => f.Text))}".TrimEnd(), new PruneReport(3, 4_500_000));

    public Task<HostReport> ExamineHostAsync(CancellationToken cancellationToken) => Answer("doctor", new HostReport(
        "userns",
        "overlay",
        [new("user namespaces", true, "65536 ids", null), new("newuidmap", false, "not found", "apt-get install uidmap")]));

    public Task<string> LoginAsync(string registry, string user, Secret password, CancellationToken cancellationToken) =>
        Answer($"login {registry} {user} {password.Reveal()}", "/home/me/.docker/config.json");

    public Task<bool> LogoutAsync(string registry, CancellationToken cancellationToken) => Answer($"logout {registry}", true);

    public Task<ImmutableArray<string>> LogoutAllAsync(CancellationToken cancellationToken) => Answer("logout all", ImmutableArray.Create("a.example", "b.example"));

    public Task ServeRegistryAsync(ServeRequest request, Action<string> listening, CancellationToken cancellationToken)
    {
        listening("127.0.0.1:4711");
        return Answer($"serve {request.Address} {request.Directory} {request.ReadOnly}", 0);
    }

    public ValueTask DisposeAsync()
    {
        Calls.Add("disposed");
        return ValueTask.CompletedTask;
    }

    private static string Text(ImageLocation location) => location switch
    {
        StoreLocation store => $"store {store.Reference}",
        RegistryLocation registry => $"registry {registry.Reference}",
        ArchiveLocation archive => $"archive {archive.File} {archive.Tag}",
        LayoutLocation layout => $"layout {layout.Directory} {layout.Tag}",
        _ => throw new InvalidOperationException(location.ToString()),
    };

    private Task<T> Answer<T>(string call, T answer)
    {
        Calls.Add(call);
        return Failure is null ? Task.FromResult(answer) : Task.FromException<T>(Failure);
    }
}
