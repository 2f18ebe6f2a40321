using System.Security.Cryptography;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

/// <summary>An index on disk: magic and version, count, entries, SHA-256 of all that. Paths share the beginning of the one before; numbers are
/// LEB128; equal sets of extended attributes are written once. A file that is damaged or of another version is as good as none.</summary>
internal static class LayerIndexFile
{
    private static ReadOnlySpan<byte> Magic => "KIMGIDX\x01"u8;

    /// <summary>The index, or null when there is none that can be used.</summary>
    internal static LayerIndex? TryLoad(string path)
    {
        try
        {
            return Decode(File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    internal static byte[] Encode(LayerIndex index)
    {
        var writer = new EntryEncoder(index.Count * 48 + 64);
        writer.Raw(Magic);
        writer.Number((ulong)index.Count);
        string previous = "";
        for (int i = 0; i < index.Count; i++)
        {
            TarEntry entry = index[i];
            writer.Path(entry.Path.Value, previous);
            writer.Metadata(entry);
            writer.Number((ulong)(index.HasOffsets ? index.OffsetAt(i) + 1 : 0));
            previous = entry.Path.Value;
        }

        writer.Raw(SHA256.HashData(writer.Written));
        return writer.Written.ToArray();
    }

    internal static LayerIndex? Decode(ReadOnlySpan<byte> file)
    {
        if (file.Length < Magic.Length + SHA256.HashSizeInBytes || !file.StartsWith(Magic)) return null;
        ReadOnlySpan<byte> body = file[..^SHA256.HashSizeInBytes];
        if (!SHA256.HashData(body).AsSpan().SequenceEqual(file[body.Length..])) return null;

        var reader = new EntryDecoder(body[Magic.Length..]);
        var entries = new TarEntry[reader.Number()];
        var offsets = new long[entries.Length];
        string previous = "";
        for (int i = 0; i < entries.Length; i++)
        {
            previous = reader.Path(previous);
            entries[i] = reader.Metadata(ImagePath.Trusted(previous));
            offsets[i] = (long)reader.Number() - 1;
        }

        return new LayerIndex(entries, offsets);
    }
}
