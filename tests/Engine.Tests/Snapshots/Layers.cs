using System.Text;
using Kimg.Engine.Archive;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Tests.Snapshots;

/// <summary>Short forms for tests of layers. A line is <c>path/</c> (directory), <c>path</c> or <c>path=content</c> (file), <c>path-&gt;target</c> (symlink),
/// <c>path=&gt;target</c> (hard link), <c>!path</c> (whiteout), <c>path/!</c> (opaque directory).</summary>
internal static class Layers
{
    internal static (TarEntry Entry, byte[] Content) Entry(string line)
    {
        if (line.Split("->") is [var link, var to]) return (Of(link, EntryType.Symlink) with { LinkTarget = to, Mode = 0x1FF }, []);
        if (line.Split("=>") is [var hard, var target]) return (Of(hard, EntryType.HardLink) with { LinkTarget = target }, []);
        if (line.StartsWith('!')) return (Of(line[1..], EntryType.Whiteout) with { Mode = 0, ModifiedSeconds = 0 }, []);
        if (line.EndsWith("/!", StringComparison.Ordinal)) return (Of(line[..^2], EntryType.Directory) with { Opaque = true, Mode = 0x1ED }, []);
        if (line.EndsWith('/')) return (Of(line[..^1], EntryType.Directory) with { Mode = 0x1ED }, []);
        string[] parts = line.Split('=', 2);
        byte[] content = parts.Length > 1 ? Encoding.UTF8.GetBytes(parts[1]) : [];
        return (Of(parts[0], EntryType.File) with { Size = content.Length }, content);
    }

    internal static PlanLayer Plan(params string[] lines) => new(lines.Select(Entry)
        .Select(e => new PlanEntry(e.Entry, e.Entry.Type == EntryType.File ? new InlineBytes(e.Content) : null)));

    internal static byte[] Tar(params IEnumerable<(TarEntry Entry, byte[] Content)> entries)
    {
        using var output = new MemoryStream();
        var writer = new TarWriter(output);
        foreach ((TarEntry entry, byte[] content) in entries)
        {
            if (content.Length == 0) writer.WriteEntry(entry);
            else writer.WriteEntry(entry, content);
        }

        writer.Finish();
        return output.ToArray();
    }

    internal static byte[] Tar(params string[] lines) => Tar(lines.Select(Entry));

    /// <summary>An image layer in a store of its own, compressed.</summary>
    internal static async Task<BlobLayer> BlobAsync(string state, byte[] tar, Compression compression = Compression.Gzip, Digest? diffId = null)
    {
        using var blob = new MemoryStream();
        await using (Stream codec = Codec.Compress(blob, compression, null, leaveOpen: true)) codec.Write(tar);
        var store = new ContentStore(state, new ContentStoreOptions { Durable = false });
        Digest digest = await store.WriteAsync(blob.ToArray(), default);
        var descriptor = new Descriptor { MediaType = "application/vnd.oci.image.layer.v1.tar+gzip", Digest = digest, Size = blob.Length };
        return new BlobLayer(descriptor, diffId ?? Digest.Sha256(tar), null, new LayerStorage(store, state));
    }

    internal static async Task<MergedTree> MergeAsync(params SnapshotLayer[] layers) => await MergedTree.LoadAsync(layers, default);

    internal static string Names(this IEnumerable<TarEntry> entries) => string.Join(' ', entries.Select(e => e.Path.Value));

    internal static async Task<string> ReadAsync(this IFileTree tree, string path)
    {
        await using Stream content = await tree.OpenAsync(tree.Find(ImagePath.Normalize(path))!, default);
        using var reader = new StreamReader(content);
        return await reader.ReadToEndAsync();
    }

    private static TarEntry Of(string path, EntryType type) => new()
    {
        Path = ImagePath.Normalize(path), Type = type, Mode = 0x1A4, ModifiedSeconds = 1_600_000_000,
    };
}
