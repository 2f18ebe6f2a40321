using System.Security.Cryptography;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Ops;

/// <summary>ADD of a local archive: tar, plain or compressed, told by its content, becomes entries at the destination. What is no archive is left to be copied.</summary>
/// <param name="directory">Where decompressed archives are kept while the build lasts.</param>
internal sealed class ArchiveUnpacker(string directory)
{
    private const int DirectoryMode = 0b111_101_101;

    /// <returns>False when the file is no archive.</returns>
    public async Task<bool> TryUnpackAsync(
        TreeEditor target, IFileTree source, TarEntry file, string destination, (uint Uid, uint Gid)? owner, CancellationToken cancellationToken)
    {
        if (await SpoolAsync(source, file, cancellationToken) is not { } spool) return false;
        ImagePath root = target.MakeDirectories(destination, DirectoryMode, owner);
        await using FileStream tar = File.OpenRead(spool);
        var reader = new TarReader(tar, TarDialect.Plain);
        var links = new Dictionary<ImagePath, List<ImagePath>>();
        while (Next(reader, file) is { } entry)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Put(target, root, reader, entry, spool, owner, links);
        }

        return true;
    }

    private static void Put(TreeEditor target, ImagePath root, TarReader reader, TarEntry entry, string spool, (uint Uid, uint Gid)? owner,
        Dictionary<ImagePath, List<ImagePath>> links)
    {
        ImagePath path = root;

        // The archive is unpacked in its destination as if that were the root: its symlinks lead nowhere else.
        var inside = new SubTree(target, root);
        if (!entry.Path.IsRoot)
        {
            ImagePath parent = target.MakeDirectories(inside.Resolve(entry.Path.Parent).Value, DirectoryMode, (0, 0));
            path = parent.Append(entry.Path.Name);
        }

        if (path.IsRoot) return;
        if (target.Find(path) is { } existing && !(existing.Type == EntryType.Directory && entry.Type == EntryType.Directory)) target.Remove(path);
        TarEntry placed = entry with
        {
            Path = path,
            // Linux knows no mode of a symlink: unpacked, it has this one.
            Mode = entry.Type == EntryType.Symlink ? 0b111_111_111 : entry.Mode,
            Uid = owner?.Uid ?? entry.Uid,
            Gid = owner?.Gid ?? entry.Gid,
        };
        if (entry.Type == EntryType.HardLink)
        {
            ImagePath original = ImagePath.Normalize(entry.LinkTarget!);
            placed = placed with { LinkTarget = inside.Resolve(original.Parent).Append(original.Name).Value };
            ShareHeader(target, placed, links);
        }

        target.Put(new PlanEntry(placed, entry.Type == EntryType.File ? Bytes(reader, entry, spool) : null));
    }

    // What an archive says of a later name of a file is said of the file.
    private static void ShareHeader(TreeEditor target, TarEntry link, Dictionary<ImagePath, List<ImagePath>> links)
    {
        ImagePath original = ImagePath.Trusted(link.LinkTarget!);
        if (!links.TryGetValue(original, out List<ImagePath>? names)) links[original] = names = [original];
        foreach (ImagePath name in names)
        {
            target.Change(name, entry => entry with
            {
                Mode = link.Mode, Uid = link.Uid, Gid = link.Gid, ModifiedSeconds = link.ModifiedSeconds,
            });
        }

        names.Add(link.Path);
    }

    private static TarEntry? Next(TarReader reader, TarEntry file)
    {
        try
        {
            return reader.ReadNext();
        }
        catch (KimgException error) when (error.Code == ErrorCode.UnsafeArchive)
        {
            throw Bad(file, error);
        }
    }

    private static ByteSource Bytes(TarReader reader, TarEntry entry, string spool)
    {
        if (reader.ContentOffset is { } offset) return new FileRange(spool, offset, entry.Size, Digest.FromSha256(SHA256.HashData(reader.Content)));

        // A sparse file is not in one piece in the archive.
        string expanded = $"{spool}-{Guid.NewGuid():N}";
        using (FileStream output = File.Create(expanded)) reader.Content.CopyTo(output);
        using FileStream written = File.OpenRead(expanded);
        return new FileRange(expanded, 0, entry.Size, Digest.FromSha256(SHA256.HashData(written)));

    }

    // Null when the bytes are not a tar with at least one entry.
    private async Task<string?> SpoolAsync(IFileTree source, TarEntry file, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(directory);
        string spool = Path.Combine(directory, Guid.NewGuid().ToString("N")[..12] + ".tar");
        try
        {
            await using (Stream packed = await source.OpenAsync(file, cancellationToken))
            {
                if (!IsTar(packed)) return null;
            }

            await using Stream again = await source.OpenAsync(file, cancellationToken);
            await using Stream tar = Codec.Decompress(again);
            await using FileStream output = File.Create(spool);
            await tar.CopyToAsync(output, cancellationToken);
            return spool;
        }
        catch (KimgException error) when (error.Code == ErrorCode.UnsafeArchive)
        {
            throw Bad(file, error);
        }
    }

    private static KimgException Bad(TarEntry file, KimgException error) =>
        new(ErrorCode.UnsafeArchive, $"'{file.Path}' cannot be unpacked: {error.Message}", error)
        {
            Hint = "to copy the archive as a file use COPY, or ADD --unpack=false",
        };

    private static bool IsTar(Stream packed)
    {
        try
        {
            using Stream tar = Codec.Decompress(packed, leaveOpen: true);
            var first = new byte[TarFormat.BlockSize];

            // One header tells: what stands in it may still be refused, as unsafe, but is not copied as if it were no archive.
            if (tar.ReadAtLeast(first, first.Length, throwOnEndOfStream: false) < first.Length) return false;
            TarRawHeader.Parse(first, 0);
            return true;
        }
        catch (KimgException)
        {
            return false;
        }
    }
}
