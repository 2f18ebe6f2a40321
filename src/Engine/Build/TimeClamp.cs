using System.IO.Pipelines;
using Kimg.Engine.Archive;

namespace Kimg.Engine.Build;

/// <summary>Rewrites a layer tar on its way: mtimes later than the epoch become the epoch (rewrite-timestamp).</summary>
internal sealed class TimeClamp : IAsyncDisposable
{
    private readonly Pipe _pipe = new(new PipeOptions(pauseWriterThreshold: 4 << 20, resumeWriterThreshold: 1 << 20));
    private readonly Task _rewriting;

    /// <param name="epoch">Seconds since 1970.</param>
    public TimeClamp(Stream output, long epoch)
    {
        Input = _pipe.Writer.AsStream();
        _rewriting = Task.Run(() => Rewrite(_pipe.Reader.AsStream(), output, epoch));
    }

    /// <summary>Where the original goes.</summary>
    public Stream Input { get; }

    /// <summary>Ends the input and waits until all is written.</summary>
    public async Task FinishAsync()
    {
        await _pipe.Writer.CompleteAsync();
        await _rewriting;
    }

    public async ValueTask DisposeAsync()
    {
        await _pipe.Writer.CompleteAsync(new OperationCanceledException());
        await Input.DisposeAsync();
    }

    private static void Rewrite(Stream input, Stream output, long epoch)
    {
        using (input)
        {
            var reader = new TarReader(input);
            var writer = new TarWriter(output);
            while (reader.ReadNext() is { } entry)
            {
                TarEntry clamped = entry.ModifiedSeconds > epoch ? entry with { ModifiedSeconds = epoch } : entry;
                if (entry.Type == EntryType.File) writer.WriteEntry(clamped, reader.Content);
                else writer.WriteEntry(clamped);
            }

            writer.Finish();
            input.CopyTo(Stream.Null);
        }
    }
}
