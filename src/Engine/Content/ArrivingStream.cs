using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Content;

/// <summary>Reads a blob while it is downloaded; see <see cref="IContentStore.OpenFetchedAsync"/>.</summary>
/// <param name="fetched">Ends when the blob is whole and checked, or throws why it is not.</param>
/// <param name="giveUp">Ends it early.</param>
internal sealed class ArrivingStream(SafeFileHandle file, long size, Arrival arrival, Task fetched, CancellationTokenSource giveUp) : ReadStream
{
    private long _position;

    public override long Length => size;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty) return 0;
        while (true)
        {
            if (Take(buffer) is { } read) return read;
            Task.WaitAny(arrival.MoreThan(_position), fetched);
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty) return 0;
        while (true)
        {
            if (Take(buffer.Span) is { } read) return read;
            await Task.WhenAny(arrival.MoreThan(_position), fetched).WaitAsync(cancellationToken);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            if (!fetched.IsCompleted) giveUp.Cancel();
            giveUp.Dispose();
            file.Dispose();
        }

        base.Dispose(disposing);
    }

    // null: nothing yet.
    private int? Take(Span<byte> buffer)
    {
        // In this order: what has come before the end can still be read.
        bool over = fetched.IsCompleted;
        long available = arrival.Available;
        if (_position < available)
        {
            int read = RandomAccess.Read(file, buffer[..(int)Math.Min(buffer.Length, available - _position)], _position);
            _position += read;
            return read;
        }

        if (!over) return null;
        fetched.GetAwaiter().GetResult();
        return _position == size ? 0 : throw new System.Diagnostics.UnreachableException();
    }
}
