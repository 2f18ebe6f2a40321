using System.Text.Json;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Sources;

/// <summary>An OCI layout (image-spec image-layout.md), a directory or an archive, as a place images and blobs come from. Every document is checked
/// against its digest; blobs are checked by whoever stores them.</summary>
internal sealed class OciLayout(ILayoutFiles files) : IBlobProvider
{
    private const int MaxDocument = 32 << 20, MaxIndexDepth = 4;

    private const string RefName = "org.opencontainers.image.ref.name", ImageName = "io.containerd.image.name";

    public OciLayout(string directory)
        : this(new LayoutDirectory(directory))
    {
    }

    /// <param name="tag">As the layout names the image; null: by digest, or the only one there is.</param>
    /// <exception cref="KimgException">ImageNotFound, PlatformNotFound, InvalidManifest, DigestMismatch, ContextUnreadable.</exception>
    public async Task<LayoutImage> ResolveAsync(string? tag, Digest? digest, Platform platform, CancellationToken cancellationToken)
    {
        ManifestDocument document = await RootAsync(tag, digest, cancellationToken);
        for (int depth = 0; document.Index is { } index; depth++)
        {
            if (depth == MaxIndexDepth) throw Invalid($"has more than {MaxIndexDepth} indexes in each other");
            document = await DocumentAsync(PlatformSelector.Select(index, platform, files.Name), cancellationToken);
        }

        byte[] config = await ReadAsync(document.Manifest!.Config.Digest, cancellationToken);
        try
        {
            return new LayoutImage(document, JsonSerializer.Deserialize(config, OciJson.Default.ImageConfig) ?? throw Invalid("has a config that is null"));
        }
        catch (JsonException error)
        {
            throw Invalid($"has an invalid config: {OneLine.Of(error.Message, 200)}");
        }
    }

    public Task<Stream> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken) =>
        Task.FromResult(Open(PathOf(descriptor.Digest), descriptor.Digest.ToString(), offset).Bytes);

    /// <summary>The manifest or index itself.</summary>
    /// <inheritdoc cref="ResolveAsync"/>
    public async Task<ManifestDocument> RootAsync(string? tag, Digest? digest, CancellationToken cancellationToken)
    {
        if (digest is { } known) return ManifestDocument.Parse(await ReadAsync(known, cancellationToken), known, null, $"'{known}' in '{files.Name}'");
        byte[] bytes = await AllAsync("index.json", "index.json", cancellationToken);
        Descriptor[] listed = [.. ManifestDocument.Parse(bytes, Digest.Sha256(bytes), MediaTypes.OciIndex, $"index.json of '{files.Name}'").Index!.Manifests];
        Descriptor[] named = tag is null ? [] : [.. listed.Where(d => IsNamed(d, tag))];
        Descriptor? found = tag is not null ? named.FirstOrDefault() : listed.Length == 1 ? listed[0] : listed.FirstOrDefault(d => IsNamed(d, "latest"));
        if (found is not null) return await DocumentAsync(found, cancellationToken);
        string names = string.Join(", ", listed.Select(d => d.Annotations?.GetValueOrDefault(RefName)).OfType<string>().Distinct());
        throw new KimgException(ErrorCode.ImageNotFound, tag is null ? $"the OCI layout '{files.Name}' has {listed.Length} images" : $"the OCI layout '{files.Name}' has no '{tag}'")
        {
            Hint = names.Length == 0 ? "name one by digest: oci-layout://PATH@sha256:…" : $"it has {OneLine.Of(names, 300)}",
        };
    }

    private static bool IsNamed(Descriptor descriptor, string tag) =>
        descriptor.Annotations is { } annotations
        && (annotations.GetValueOrDefault(RefName) == tag
            || annotations.GetValueOrDefault(ImageName)?.EndsWith(":" + tag, StringComparison.Ordinal) == true);

    private async Task<ManifestDocument> DocumentAsync(Descriptor descriptor, CancellationToken cancellationToken) =>
        ManifestDocument.Parse(await ReadAsync(descriptor.Digest, cancellationToken), descriptor.Digest, descriptor.MediaType, $"'{descriptor.Digest}' in '{files.Name}'");

    private async Task<byte[]> ReadAsync(Digest digest, CancellationToken cancellationToken)
    {
        byte[] bytes = await AllAsync(PathOf(digest), digest.ToString(), cancellationToken);
        if (ContentHash.Of(bytes, digest) == digest) return bytes;
        throw new KimgException(ErrorCode.DigestMismatch, $"blob {digest} of the OCI layout '{files.Name}' has other content") { Hint = "the layout is damaged: make it again" };
    }

    private async Task<byte[]> AllAsync(string path, string what, CancellationToken cancellationToken)
    {
        (Stream file, long length) = Open(path, what);
        await using (file)
        {
            if (length > MaxDocument) throw Invalid($"has a document of {length} bytes");
            var bytes = new byte[length];
            await file.ReadExactlyAsync(bytes, cancellationToken);
            return bytes;
        }
    }

    private static string PathOf(Digest digest) => $"blobs/{digest.Algorithm}/{digest.Hex}";

    private (Stream Bytes, long Length) Open(string path, string what, long offset = 0)
    {
        try
        {
            return files.Open(path, offset);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new KimgException(ErrorCode.ImageNotFound, $"the OCI layout '{files.Name}' has no {what}", error) { Hint = "the layout is incomplete: make it again" };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new KimgException(ErrorCode.ContextUnreadable, $"cannot read '{path}' of '{files.Name}': {error.Message}", error);
        }
    }

    private KimgException Invalid(string why) => new(ErrorCode.InvalidManifest, $"the OCI layout '{files.Name}' {why}");
}

/// <summary>An image of a layout, for one platform.</summary>
internal sealed record LayoutImage(ManifestDocument Manifest, ImageConfig Config);
