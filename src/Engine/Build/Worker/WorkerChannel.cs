using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Build.Worker;

/// <summary>One end of the socket pair between front and worker. A frame is the length of its JSON and the number of its descriptors (both 32 bits, little
/// endian), then the JSON; descriptors travel with the first byte. Sending is thread-safe; one thread receives.</summary>
internal sealed class WorkerChannel(SafeFileHandle socket) : IDisposable
{
    internal const int Version = 2;
    private const int HeaderSize = 8;
    private const int MaxFrame = 64 << 20;
    private readonly Lock _sending = new();
    private readonly List<SafeFileHandle> _arrived = [];

    internal void Send<T>(T message, JsonTypeInfo<T> type, IReadOnlyList<SafeFileHandle> descriptors)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(message, type);
        byte[] frame = new byte[HeaderSize + json.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, json.Length);
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(4), descriptors.Count);
        json.CopyTo(frame, HeaderSize);
        lock (_sending) LocalSockets.Send(socket, frame, descriptors);
    }

    /// <summary>The next message, or default at the end of the stream.</summary>
    /// <exception cref="KimgException">What came is not a message (<see cref="ErrorCode.WorkerFailed"/>).</exception>
    internal (T? Message, SafeFileHandle[] Descriptors) Receive<T>(JsonTypeInfo<T> type)
        where T : class
    {
        byte[] header = new byte[HeaderSize];
        if (!Fill(header, mayEnd: true)) return (null, []);
        int length = BinaryPrimitives.ReadInt32LittleEndian(header), count = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(4));
        if (length is <= 0 or > MaxFrame || count is < 0 or > LocalSockets.MaxDescriptors) throw Broken($"a frame of {length} bytes and {count} descriptors");
        byte[] json = new byte[length];
        Fill(json, mayEnd: false);
        if (_arrived.Count < count) throw Broken($"{count} descriptors were announced and {_arrived.Count} came");
        SafeFileHandle[] descriptors = [.. _arrived.Take(count)];
        _arrived.RemoveRange(0, count);
        try
        {
            return (JsonSerializer.Deserialize(json, type) ?? throw Broken("null"), descriptors);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            foreach (SafeFileHandle descriptor in descriptors) descriptor.Dispose();
            throw Broken(e.Message);
        }
    }

    /// <summary>Makes the other side, and this side's receiver, see the end.</summary>
    internal void Shutdown() => LocalSockets.Shutdown(socket);

    public void Dispose()
    {
        foreach (SafeFileHandle descriptor in _arrived) descriptor.Dispose();
        _arrived.Clear();
        socket.Dispose();
    }

    private bool Fill(Span<byte> buffer, bool mayEnd)
    {
        bool first = true;
        while (!buffer.IsEmpty)
        {
            int got;
            try
            {
                got = LocalSockets.Receive(socket, buffer, _arrived);
            }
            catch (SyscallException e) when (e.Errno == Errno.ECONNRESET)
            {
                got = 0;
            }

            if (got == 0) return mayEnd && first ? false : throw Broken("the stream ended within a message");
            buffer = buffer[got..];
            first = false;
        }

        return true;
    }

    private static KimgException Broken(string what) => new(ErrorCode.WorkerFailed, $"the worker's protocol is broken: {what}")
    {
        Hint = "are kimg and the worker binary of the same version?",
    };
}
