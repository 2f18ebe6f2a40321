using Kimg.Engine.Primitives;

namespace Kimg.Engine.Archive;

/// <summary>Turns what a decoder says about damaged input into the engine's error.</summary>
internal sealed class DecoderStream(Stream decoder, string codec) : ReadStream
{
    public override long Position { get; set; }

    public override int Read(Span<byte> buffer)
    {
        try
        {
            return decoder.Read(buffer);
        }
        catch (InvalidDataException e)
        {
            throw Damaged(e);
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return await decoder.ReadAsync(buffer, cancellationToken);
        }
        catch (InvalidDataException e)
        {
            throw Damaged(e);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) decoder.Dispose();
        base.Dispose(disposing);
    }

    private KimgException Damaged(Exception e) => new(ErrorCode.UnsafeArchive, $"bad {codec} data", e)
    {
        Hint = "the archive is damaged or was cut off",
    };
}
