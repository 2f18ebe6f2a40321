using System.IO.Pipes;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Ops;

/// <summary>A pipe whose other end a step writes to; hands on what arrives until every writer is gone.</summary>
internal sealed class OutputPipe : IAsyncDisposable
{
    private const int BufferSize = 32 << 10;

    private readonly AnonymousPipeServerStream _reader = new(PipeDirection.In);

    public OutputPipe(Action<ReadOnlyMemory<byte>> data)
    {
        Writer = new SafeFileHandle(_reader.ClientSafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        Drained = Task.Run(() => DrainAsync(data));
    }

    /// <summary>The writing end; the step's process has its own copy.</summary>
    public SafeFileHandle Writer { get; }

    /// <summary>Done when the last writer has closed.</summary>
    public Task Drained { get; }

    /// <summary>Closes our copy of the writing end when the task ends, so that draining can.</summary>
    public void CloseWriterAfter(Task task) =>
        task.ContinueWith(_ => _reader.DisposeLocalCopyOfClientHandle(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    public async ValueTask DisposeAsync()
    {
        _reader.DisposeLocalCopyOfClientHandle();
        await _reader.DisposeAsync();
    }

    private async Task DrainAsync(Action<ReadOnlyMemory<byte>> data)
    {
        byte[] buffer = new byte[BufferSize];
        try
        {
            while (await _reader.ReadAsync(buffer) is > 0 and int read) data(buffer.AsMemory(0, read).ToArray());
        }
        catch (ObjectDisposedException)
        {
            // The build was cancelled while something still held the writing end.
        }
    }
}
