using System.Collections.Concurrent;
using System.Collections.Immutable;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Graph;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>Answers lowering: base images from their registries, named contexts from the request. Each image is asked for once per build.</summary>
internal sealed class FrontendHost(
    ImageResolver images,
    ImmutableSortedDictionary<string, ContextSource> namedContexts,
    ContextOpener contexts,
    ContextDirectory directories,
    RemoteFiles remote,
    EventStream events) : IFrontendHost
{
    private readonly ConcurrentDictionary<(string Name, Platform Platform), Lazy<Task<PulledImage>>> _resolved = new();
    private readonly ConcurrentDictionary<string, Lazy<Task<OpenedContext>>> _fetched = new();

    public async Task<ResolvedImage> ResolveImageAsync(ImageReference reference, Platform platform, CancellationToken cancellationToken)
    {
        PulledImage image = await _resolved.GetOrAdd((reference.ToString(), platform), _ => new(() => ResolveAsync(reference, platform, cancellationToken))).Value;
        return new ResolvedImage(reference, image.Manifest.Descriptor.Digest, image.Config);
    }

    public async Task<NamedContext?> FindNamedContextAsync(string name, Platform platform, CancellationToken cancellationToken)
    {
        if (Match(name) is not { } source) return null;
        switch (source)
        {
            case DirectoryContext directory:
                return Local(name, new OpenedContext(directory.Path), () => IgnoreFile.Find(directory.Path, dockerfile: null));
            case GitContext git:
                return new NamedContext(new Vertex(ContextDirectory.Parse(git), [], new VertexMeta($"[context {name}] load from git")), null);
            case HttpContext http:
                OpenedContext fetched = await _fetched.GetOrAdd(http.Url, _ => new(() => FetchAsync(name, http, cancellationToken))).Value;
                return Local(name, fetched, static () => null);
            case OciLayoutContext layout:
                return await LayoutAsync(name, layout, platform, cancellationToken);
            case ImageContext image:
                ResolvedImage resolved = await ResolveImageAsync(image.Reference, platform, cancellationToken);
                var op = new ImageSourceOp(image.Reference.ToString(), platform, resolved.Digest);
                return new NamedContext(new Vertex(op, [], new VertexMeta($"[context {name}] {image.Reference.Familiar}")), resolved.Config);
            default:
                throw new KimgException(ErrorCode.UnsupportedFeature, $"named context '{name}': {source.GetType().Name} is not supported")
                {
                    Hint = "use a directory, a git or http address, docker-image:// or oci-layout://",
                };
        }
    }

    public Task<long?> FindSourceTimeAsync(Vertex source, CancellationToken cancellationToken) => remote.TimeOfAsync(source.Op, cancellationToken);

    private NamedContext Local(string name, OpenedContext context, Func<PatternMatcher?> ignore)
    {
        contexts.Add("context:" + name, context.Directory!, ignore, context.Headers);
        return new NamedContext(new Vertex(new LocalSourceOp("context:" + name), [], new VertexMeta($"[context {name}] load from client")), null);
    }

    private Task<OpenedContext> FetchAsync(string name, HttpContext http, CancellationToken cancellationToken) =>
        events.RunAsync($"[context {name}] load from http", _ => directories.OpenAsync(http, cancellationToken));

    private async Task<NamedContext> LayoutAsync(string name, OciLayoutContext context, Platform platform, CancellationToken cancellationToken)
    {
        var layout = new OciLayout(context.Path);
        contexts.Add(name, layout);
        LayoutImage image = await layout.ResolveAsync(context.Tag, context.Digest, platform, cancellationToken);
        var op = new OciLayoutSourceOp(name, null, image.Manifest.Descriptor.Digest, platform);
        return new NamedContext(new Vertex(op, [], new VertexMeta($"[context {name}] oci-layout://{context.Path}")), image.Config);
    }

    // A name is a stage's, or an image's in any spelling.
    private ContextSource? Match(string name)
    {
        foreach ((string key, ContextSource source) in namedContexts)
        {
            if (string.Equals(key, name, StringComparison.OrdinalIgnoreCase)) return source;
            if (ImageReference.TryParse(key, out ImageReference? a) && ImageReference.TryParse(name, out ImageReference? b) && a == b) return source;
        }

        return null;
    }

    private Task<PulledImage> ResolveAsync(ImageReference reference, Platform platform, CancellationToken cancellationToken) =>
        events.RunAsync($"[internal] load metadata for {reference.Name}{(reference.Tag is { } tag ? ":" + tag : "")}{(reference.Digest is { } d ? "@" + d : "")}", _ =>
            images.ResolveAsync(reference, platform, message => events.Send(new BuildNotice(events.Now, message)), cancellationToken));
}
