using System.Collections.Immutable;
using Kimg.Engine.Cache;
using Kimg.Engine.Content;
using Kimg.Engine.Exporters;
using Kimg.Engine.Native;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>A cache in an OCI layout directory.</summary>
internal sealed class LayoutCacheStore(IContentStore content, LocalCache location) : ICacheStore
{
    private readonly OciLayout _layout = new(location.Directory);

    public string Name => location.Directory;

    public IBlobProvider Blobs => _layout;

    public string? Source => null;

    public async Task<ManifestDocument?> FindAsync(CancellationToken cancellationToken) => File.Exists(Path.Combine(location.Directory, "index.json"))
        // Other programs copy a cache into a layout without a name, or under another one.
        ? await _layout.RootAsync(location.Tag == "latest" ? null : location.Tag, location.Digest, cancellationToken)
        : null;

    public async Task WriteAsync(CacheArtifact artifact, CacheUpload upload, CancellationToken cancellationToken)
    {
        IBlobProvider source = artifact.With(upload.Blobs);
        Directory.CreateDirectory(location.Directory);
        // What another export has written is swept by nobody before its index leads there.
        using (FileLock.Acquire(WritersOf(location.Directory), exclusive: false)) await WriteAsync(artifact, source, cancellationToken);
        if (location.Reset) Sweep(cancellationToken);
    }

    private async Task WriteAsync(CacheArtifact artifact, IBlobProvider source, CancellationToken cancellationToken)
    {
        var written = new ExportContent
        {
            Root = artifact.Root.Descriptor with
            {
                Annotations = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal).Add(LayoutIndex.RefName, location.Tag),
            },
            Blobs =
            [
                new ExportBlob(artifact.Root.Descriptor, artifact.Root.Bytes), new ExportBlob(artifact.ConfigDescriptor, artifact.Config),
                .. artifact.Blobs.Where(blob => !IsWhole(blob)).Select(blob => new ExportBlob(blob, null)),
            ],
        };
        await new OciLayoutWriter(new BlobSource(content, _ => source)).WriteAsync(written, [], location.Directory, cancellationToken);
    }

    private static string WritersOf(string directory) => Path.Combine(directory, "blobs.lock");

    // What was cut off (a copy that was interrupted) is written again.
    private bool IsWhole(Descriptor blob) => new FileInfo(PathOf(blob.Digest)) is { Exists: true } file && file.Length == blob.Size;

    // Everything that index.json still leads to stays, also what others have put there.
    private void Sweep(CancellationToken cancellationToken)
    {
        // While others write nothing is swept: the next export with reset=true does it, at the latest the last of those that run now.
        using FileLock? alone = FileLock.TryAcquire(WritersOf(location.Directory), exclusive: true);
        if (alone is null) return;
        using FileLock held = FileLock.Acquire(Path.Combine(location.Directory, "index.json.lock"), exclusive: true);
        HashSet<Digest> kept = [];
        var pending = new Stack<Descriptor>(Parse(File.ReadAllBytes(Path.Combine(location.Directory, "index.json")), MediaTypes.OciIndex));
        while (pending.TryPop(out Descriptor? descriptor))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!kept.Add(descriptor.Digest) || !File.Exists(PathOf(descriptor.Digest))) continue;
            if (!MediaTypes.IsIndex(descriptor.MediaType) && !MediaTypes.IsManifest(descriptor.MediaType)) continue;
            foreach (Descriptor next in Parse(File.ReadAllBytes(PathOf(descriptor.Digest)), descriptor.MediaType)) pending.Push(next);
        }

        foreach (string path in Directory.EnumerateFiles(Path.Combine(location.Directory, "blobs", "sha256")))
        {
            if (Digest.TryParse("sha256:" + Path.GetFileName(path), out Digest digest) && !kept.Contains(digest)) File.Delete(path);
        }
    }

    private static IEnumerable<Descriptor> Parse(byte[] bytes, string mediaType) =>
        ManifestDocument.Parse(bytes, Digest.Sha256(bytes), mediaType, "index of the cache").References;

    private string PathOf(Digest digest) => Path.Combine(location.Directory, "blobs", digest.Algorithm, digest.Hex);
}
