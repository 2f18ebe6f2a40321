using System.Collections.Frozen;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sources;

/// <summary>An OCI layout as one uncompressed tar. Its headers are read once; bytes are read where they are, and nothing is unpacked.</summary>
internal sealed class OciArchive : ILayoutFiles
{
    private const int MaxFiles = 100_000;

    private readonly string _path;
    private readonly FrozenDictionary<string, (long Offset, long Length)> _files;

    private OciArchive(string path, Dictionary<string, (long Offset, long Length)> files) => (_path, _files) = (path, files.ToFrozenDictionary(StringComparer.Ordinal));

    public string Name => _path;

    /// <exception cref="KimgException">ImageNotFound, ContextUnreadable, UnsupportedFeature, UnsafeArchive.</exception>
    public static OciArchive Open(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            RefuseCompressed(path, file);
            var files = new Dictionary<string, (long Offset, long Length)>(StringComparer.Ordinal);
            var tar = new TarReader(file, TarDialect.Plain);
            while (tar.ReadNext() is { } entry)
            {
                // A later file of the same name takes the place of an earlier one, as when it is unpacked.
                if (entry.Type == EntryType.File && tar.ContentOffset is { } offset) files[entry.Path.Value] = (offset, entry.Size);
                if (files.Count > MaxFiles) throw new KimgException(ErrorCode.UnsafeArchive, $"the archive '{path}' has more than {MaxFiles} files");
            }

            if (files.ContainsKey("index.json")) return new OciArchive(path, files);
            throw new KimgException(ErrorCode.ImageNotFound, $"'{path}' is no OCI archive: it has no index.json")
            {
                Hint = "kimg build -o type=oci,dest=FILE writes one",
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new KimgException(ErrorCode.ContextUnreadable, $"the archive '{path}' cannot be read: {e.Message}", e);
        }
    }

    public (Stream Bytes, long Length) Open(string path, long offset)
    {
        if (!_files.TryGetValue(path, out (long Offset, long Length) place)) throw new FileNotFoundException(path);
        offset = Math.Min(offset, place.Length);
        FileStream file = File.OpenRead(_path);
        file.Position = place.Offset + offset;
        return (new FilePart(file, place.Length - offset), place.Length - offset);
    }

    private static void RefuseCompressed(string path, FileStream file)
    {
        byte[] head = new byte[Codec.MagicLength];
        Compression compression = Codec.Detect(head.AsSpan(0, file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)));
        file.Position = 0;
        if (compression == Compression.None) return;
        throw new KimgException(ErrorCode.UnsupportedFeature, $"the archive '{path}' is compressed by {compression.ToString().ToLowerInvariant()}")
        {
            Hint = "its layers are compressed anyway: unpack it first, for example with gunzip or zstd -d",
        };
    }

    /// <summary>So many bytes of a file.</summary>
    private sealed class FilePart(FileStream file, long length) : ReadStream
    {
        private long _left = length;

        public override int Read(Span<byte> buffer)
        {
            int read = file.Read(buffer[..(int)Math.Min(buffer.Length, _left)]);
            _left -= read;
            return read;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) file.Dispose();
            base.Dispose(disposing);
        }
    }
}
