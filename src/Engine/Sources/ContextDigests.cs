using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Kimg.Engine.Content;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Sources;

/// <summary>Content digests of a context's files, remembered across builds by stamp (path, inode, size, mtime, ctime) in one file. A file written less than two seconds
/// before it was recorded is hashed again, since its times cannot tell a further write. Anything wrong with the file of digests means hashing.</summary>
/// <param name="ingest">Where files of the state directory are written.</param>
internal sealed class ContextDigests(string? file, string ingest, TimeProvider time) : IDisposable
{
    private const uint Magic = 0x6B44_4302;

    private readonly SemaphoreSlim _gate = new(1, 1);
    private Dictionary<FileStamp, Digest>? _known;
    private bool _dirty;

    public async Task<IReadOnlyList<Digest>> HashAsync(
        FileStamp[] stamps, Func<ImagePath, SafeFileHandle> open, CancellationToken cancellationToken)
    {
        if (stamps.Length == 0) return [];
        await _gate.WaitAsync(cancellationToken);
        try
        {
            _known ??= Load();
            var digests = new Digest[stamps.Length];
            List<int> missing = [];
            for (int i = 0; i < stamps.Length; i++)
            {
                if (!_known.TryGetValue(stamps[i], out digests[i])) missing.Add(i);
            }

            await Parallel.ForEachAsync(missing, cancellationToken, (i, _) =>
            {
                using SafeFileHandle handle = open(stamps[i].Path);
                digests[i] = HashFile(handle, stamps[i].Size);
                return ValueTask.CompletedTask;
            });
            long now = time.GetUtcNow().Subtract(DateTimeOffset.UnixEpoch).Ticks * 100;
            foreach (int i in missing)
            {
                // Young ones are kept for this build only, so that one build sees one content.
                _known[stamps[i]] = digests[i];
                _dirty |= !stamps[i].IsYoung(now);
            }

            return digests;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Writes what was learned, for the next build.</summary>
    public void Save()
    {
        if (!_dirty || file is null || _known is null) return;
        long now = time.GetUtcNow().Subtract(DateTimeOffset.UnixEpoch).Ticks * 100;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            using WholeFile whole = WholeFile.Create(ingest, file);
            using var writer = new BinaryWriter(new FileStream(whole.Handle, FileAccess.Write, 1 << 16), Encoding.UTF8);
            writer.Write(Magic);
            foreach ((FileStamp stamp, Digest digest) in _known.Where(k => !k.Key.IsYoung(now))) Write(writer, stamp, digest);
            writer.Flush();
            whole.Commit();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // They are computed again.
        }
    }

    public void Dispose() => _gate.Dispose();

    private Dictionary<FileStamp, Digest> Load()
    {
        var known = new Dictionary<FileStamp, Digest>();
        if (file is null || !LastUse.Find(file)) return known;
        try
        {
            byte[] bytes = File.ReadAllBytes(file);
            using var reader = new BinaryReader(new MemoryStream(bytes), Encoding.UTF8);
            if (reader.ReadUInt32() != Magic) return known;
            while (reader.BaseStream.Position < bytes.Length) Read(reader, known);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException or ArgumentException)
        {
            known.Clear();
        }

        return known;
    }

    private static void Write(BinaryWriter writer, FileStamp stamp, Digest digest)
    {
        byte[] path = PathText.Encode(stamp.Path.Value);
        writer.Write7BitEncodedInt(path.Length);
        writer.Write(path);
        writer.Write(stamp.Device);
        writer.Write(stamp.Inode);
        writer.Write(stamp.Size);
        writer.Write(stamp.Modified);
        writer.Write(stamp.Changed);
        writer.Write(Convert.FromHexString(digest.Hex));
    }

    private static void Read(BinaryReader reader, Dictionary<FileStamp, Digest> known)
    {
        string path = PathText.Decode(reader.ReadBytes(reader.Read7BitEncodedInt()));
        var stamp = new FileStamp(ImagePath.Trusted(path), reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64());
        byte[] hash = reader.ReadBytes(SHA256.HashSizeInBytes);
        if (hash.Length < SHA256.HashSizeInBytes) throw new EndOfStreamException();
        known[stamp] = Digest.FromSha256(hash);
    }

    private static Digest HashFile(SafeFileHandle handle, long size)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(size, 4096, 1 << 17));
        try
        {
            int read = RandomAccess.Read(handle, buffer, 0);
            if (read < buffer.Length && read == size) return Digest.Sha256(buffer.AsSpan(0, read));
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (long offset = 0; read > 0; read = RandomAccess.Read(handle, buffer, offset))
            {
                hash.AppendData(buffer, 0, read);
                offset += read;
            }

            return Digest.FromSha256(hash.GetHashAndReset());
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
