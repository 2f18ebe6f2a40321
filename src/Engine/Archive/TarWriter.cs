using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Archive;

/// <summary>Writes a tar whose bytes are a pure function of the entries. Chooses fields as Go's archive/tar does, because that is what
/// makes BuildKit's layers: ustar, and an extended header (pax) only in front of entries of which a field does not fit. User and group
/// names are empty, times whole seconds. Not thread-safe; the output stays open.</summary>
internal sealed class TarWriter(Stream output)
{
    private const int BufferSize = 128 * 1024;

    private readonly byte[] _buffer = new byte[BufferSize];
    private readonly byte[] _name = new byte[TarFormat.BlockSize];
    private readonly TarHeaderBlock _header = new();
    private int _buffered;

    /// <summary>Bytes written so far, those still buffered included: the offset of what comes next.</summary>
    public long Position { get; private set; }

    /// <summary>Writes an entry without content; the entry's size must be 0. An opaque directory is followed by its marker.</summary>
    public void WriteEntry(TarEntry entry)
    {
        if (entry.Size != 0) throw new ArgumentException("an entry with a size needs content", nameof(entry));
        WriteHeader(entry);
        if (entry.Opaque && entry.Type == EntryType.Directory) WriteOpaqueMarker(entry);
    }

    /// <exception cref="KimgException">FileChangedDuringBuild: the content is not as long as the entry says.</exception>
    public void WriteEntry(TarEntry entry, ReadOnlySpan<byte> content)
    {
        if (content.Length != entry.Size) throw Changed(entry, content.Length);
        WriteHeader(entry);
        Append(content);
        Pad(entry.Size);
    }

    /// <summary>Copies the content, from where the stream stands to its end.</summary>
    /// <exception cref="KimgException">FileChangedDuringBuild: the content is shorter or longer than the entry says. The tar is then
    /// useless.</exception>
    public void WriteEntry(TarEntry entry, Stream content)
    {
        WriteHeader(entry);
        long left = entry.Size;
        while (left > 0)
        {
            if (_buffered == BufferSize) FlushBuffer();
            int read = content.Read(_buffer, _buffered, (int)Math.Min(left, BufferSize - _buffered));
            if (read == 0) throw Changed(entry, entry.Size - left);
            (_buffered, Position, left) = (_buffered + read, Position + read, left - read);
        }

        Span<byte> one = stackalloc byte[1];
        if (content.Read(one) != 0) throw Changed(entry, null);
        Pad(entry.Size);
    }

    /// <summary>Ends the archive with two zero blocks and flushes.</summary>
    public void Finish()
    {
        AppendZeros(2 * TarFormat.BlockSize);
        FlushBuffer();
        output.Flush();
    }

    private void WriteOpaqueMarker(TarEntry directory) => WriteHeader(new TarEntry
    {
        Path = directory.Path.Append(TarFormat.OpaqueMarker), Type = EntryType.File, ModifiedSeconds = directory.ModifiedSeconds,
    });

    private void WriteHeader(TarEntry entry)
    {
        string path = NameOf(entry);
        int length = Ascii.IsValid(path) && path.Length <= _name.Length ? Encoding.ASCII.GetBytes(path, _name) : -1;
        byte[]? longName = length < 0 ? PathText.Encode(path) : null;
        ReadOnlySpan<byte> name = longName ?? _name.AsSpan(0, length);
        byte[] link = entry.LinkTarget is null ? [] : PathText.Encode(entry.LinkTarget);

        if (PaxRecords.For(entry, name, link) is { } records)
        {
            Append(_header.Extended(name, records.Length));
            Append(records);
            Pad(records.Length);
        }

        Append(_header.Main(entry, name, link));
    }

    private static string NameOf(TarEntry entry) => entry.Type switch
    {
        EntryType.Directory => entry.Path.IsRoot ? "./" : entry.Path.Value + "/",
        EntryType.Whiteout => entry.Path.Parent.Append(TarFormat.WhiteoutPrefix + entry.Path.Name).Value,
        _ => entry.Path.Value,
    };

    private void Append(ReadOnlySpan<byte> bytes)
    {
        Position += bytes.Length;
        if (bytes.Length > BufferSize - _buffered) FlushBuffer();
        if (bytes.Length > BufferSize)
        {
            output.Write(bytes);
            return;
        }

        bytes.CopyTo(_buffer.AsSpan(_buffered));
        _buffered += bytes.Length;
    }

    private void Pad(long size) => AppendZeros(TarFormat.Padding(size));

    private void AppendZeros(int count)
    {
        if (count > BufferSize - _buffered) FlushBuffer();
        _buffer.AsSpan(_buffered, count).Clear();
        _buffered += count;
        Position += count;
    }

    private void FlushBuffer()
    {
        output.Write(_buffer, 0, _buffered);
        _buffered = 0;
    }

    private static KimgException Changed(TarEntry entry, long? found) =>
        new(ErrorCode.FileChangedDuringBuild, $"'{entry.Path}' changed while it was read: it has "
            + (found is { } bytes ? $"{bytes} bytes" : "more bytes") + $", not {entry.Size}")
        {
            Hint = "make sure that nothing writes to the files while the image is built",
        };
}
