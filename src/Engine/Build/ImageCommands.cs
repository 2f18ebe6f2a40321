using System.Collections.Immutable;
using System.Text.Json;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>What can be done with images that are built: copy (push and pull are copies), look into, name.</summary>
public sealed class ImageCommands : IAsyncDisposable
{
    private readonly BuildServices _services;
    private readonly ImageOpener _opener;

    private ImageCommands(BuildServices services) => (_services, _opener) = (services, new ImageOpener(services.Registry, services.Content, services.Names));

    public static ImageCommands Create(BuilderOptions options) => new(BuildServices.Create(options));

    /// <summary>Copies what <paramref name="platforms"/> select (empty: everything, attestations included). Manifests are copied bit for bit; only an index of which a part
    /// is wanted is written anew. Returns what the destination now names.</summary>
    /// <exception cref="KimgException">ImageNotFound, PlatformNotFound, AccessDenied, DigestMismatch, …</exception>
    public async Task<Descriptor> CopyAsync(
        ImageLocation source, ImageLocation destination, ImmutableArray<Platform> platforms, IBuildObserver? observer = null,
        CancellationToken cancellationToken = default)
    {
        var events = new EventStream(observer, _services.Options.Time);
        OpenedImage image = await events.RunAsync($"resolve {source}", async _ =>
            await PlatformFilter.ApplyAsync(await _opener.OpenAsync(source, cancellationToken), platforms, cancellationToken));
        return await events.RunAsync($"copying {source} to {destination}", item => new ImageWriter(_services, item, cancellationToken).WriteAsync(image, destination));
    }

    /// <summary>Makes one index of images that were built apart and gives it its names; layers are mounted where the registry can, and never fetched to this machine's disk.</summary>
    /// <returns>The index's bytes.</returns>
    /// <exception cref="KimgException">ImageNotFound, InvalidArgument (two images for one platform), …</exception>
    public async Task<ReadOnlyMemory<byte>> CreateIndexAsync(IndexRequest request, IBuildObserver? observer = null, CancellationToken cancellationToken = default)
    {
        var events = new EventStream(observer, _services.Options.Time);
        OpenedImage[] images = await Task.WhenAll(request.Sources.Select(source =>
            events.RunAsync($"resolve {source}", _ => _opener.OpenAsync(source, cancellationToken))));
        OpenedImage? existing = request.Append ? await _opener.OpenAsync(request.Destinations[0], cancellationToken) : null;
        OpenedImage index = await IndexAssembly.MergeAsync(existing, [.. images], request.Annotations, cancellationToken);
        if (!request.DryRun) await WriteAsync(index, request.Destinations, events, cancellationToken);
        return index.RootDocument.Bytes;
    }

    /// <summary>Adds annotations to an index; the images it lists stay what they are.</summary>
    public async Task<Descriptor> AnnotateIndexAsync(
        ImageLocation location, ImmutableArray<Annotation> annotations, IBuildObserver? observer = null, CancellationToken cancellationToken = default)
    {
        var events = new EventStream(observer, _services.Options.Time);
        OpenedImage index = IndexAssembly.Annotate(await events.RunAsync($"resolve {location}", _ => _opener.OpenAsync(location, cancellationToken)), annotations);
        await WriteAsync(index, [location], events, cancellationToken);
        return index.RootDocument.Descriptor;
    }

    private async Task WriteAsync(OpenedImage index, ImmutableArray<ImageLocation> destinations, EventStream events, CancellationToken cancellationToken)
    {
        foreach (ImageLocation destination in destinations)
            await events.RunAsync($"writing index to {destination}", item => new ImageWriter(_services, item, cancellationToken).WriteAsync(index, destination));
    }

    /// <param name="platform">Only this one; null: all there are.</param>
    public async Task<ImageReport> InspectAsync(ImageLocation location, Platform? platform, CancellationToken cancellationToken = default)
    {
        OpenedImage image = await _opener.OpenAsync(location, cancellationToken);
        OpenedImage selected = await PlatformFilter.ApplyAsync(image, platform is null ? [] : [platform], cancellationToken);
        var images = ImmutableArray.CreateBuilder<PlatformImage>();
        foreach (ManifestDocument document in selected.Documents.Where(d => d.Manifest is not null))
        {
            Manifest manifest = document.Manifest!;
            if (manifest.Config.MediaType is not (MediaTypes.OciConfig or MediaTypes.DockerConfig)) continue;
            ReadOnlyMemory<byte> config = await selected.ReadConfigAsync(manifest.Config, cancellationToken);
            if (selected.PlatformOf(document) is not { } found) found = PlatformOf(config, location);
            if (found.Os != "unknown") images.Add(new PlatformImage(found, document.Descriptor, config, manifest.Layers));
        }

        ManifestDocument root = platform is null ? image.RootDocument : selected.RootDocument;
        return new ImageReport(location.ToString()!, root.Descriptor, root.Bytes, images.ToImmutable()) { Named = image.RootDocument.Descriptor };
    }

    /// <summary>What the location stands for; of a registry nothing more is asked.</summary>
    public Task<Descriptor> ResolveAsync(ImageLocation location, CancellationToken cancellationToken = default) => _opener.ResolveAsync(location, cancellationToken);

    /// <summary>Gives what <paramref name="source"/> names in the store another name.</summary>
    public Task TagAsync(ImageReference source, ImageReference name, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (name.Digest is not null) throw new KimgException(ErrorCode.InvalidReference, $"'{name}' has a digest, which cannot be given") { Hint = "give NAME:TAG" };
        NamedImage image = _opener.FindInStore(source);
        _services.Names.Set(name, image.Root, local: true, image.Origins);
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    internal static Platform PlatformOf(ReadOnlyMemory<byte> config, object where)
    {
        try
        {
            ImageConfig parsed = JsonSerializer.Deserialize(config.Span, OciJson.Default.ImageConfig)
                ?? throw new KimgException(ErrorCode.InvalidManifest, $"the configuration of '{where}' is null");
            return Platform.Normalize(parsed.Os ?? "linux", parsed.Architecture ?? Platform.Host.Architecture, parsed.Variant);
        }
        catch (JsonException error)
        {
            throw new KimgException(ErrorCode.InvalidManifest, $"the configuration of '{where}' is not valid JSON", error);
        }
    }
}
