using Kimg.Engine.Primitives;

namespace Kimg.Engine.Archive;

/// <summary>Writes through; closes the output or not. The codec "none".</summary>
internal sealed class PassThroughStream(Stream output, bool leaveOpen) : WriteStream
{
    public override void Write(ReadOnlySpan<byte> buffer) => output.Write(buffer);

    public override void Write(byte[] buffer, int offset, int count) => output.Write(buffer, offset, count);

    public override void Flush() => output.Flush();

    protected override void Dispose(bool disposing)
    {
        if (disposing && !leaveOpen) output.Dispose();
        base.Dispose(disposing);
    }
}
