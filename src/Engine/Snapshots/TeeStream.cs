using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

/// <summary>Passes reads through and writes them to a copy. Closes neither.</summary>
internal sealed class TeeStream(Stream inner, Stream copy) : ReadStream
{
    public override int Read(Span<byte> buffer)
    {
        int read = inner.Read(buffer);
        copy.Write(buffer[..read]);
        return read;
    }
}
