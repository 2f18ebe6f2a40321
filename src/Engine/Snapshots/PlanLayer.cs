using System.Buffers;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

/// <summary>A layer that is not made yet: entries and where their bytes are. Its identity is a digest over all of that, so equal plans are one layer
/// although nobody has written its tar. Never outlives the trees it reads from. Every byte is checked on its way out.</summary>
internal sealed class PlanLayer : SnapshotLayer
{
    // Part of every plan's identity: raised when the meaning of an entry changes.
    private const byte FormatVersion = 1;

    private readonly ImmutableArray<PlanEntry> _plan;
    private readonly LayerIndex _index;

    /// <param name="plan">In any order, no path twice.</param>
    internal PlanLayer(IEnumerable<PlanEntry> plan)
    {
        _plan = [.. plan.OrderBy(p => p.Entry.Path)];
        _index = new LayerIndex([.. _plan.Select(p => p.Entry)]);
        Id = ComputeId();
    }

    public override Digest Id { get; }

    internal ImmutableArray<PlanEntry> Plan => _plan;

    public override ValueTask<LayerIndex> GetIndexAsync(CancellationToken cancellationToken) => new(_index);

    public override Task<Stream> OpenAsync(TarEntry entry, CancellationToken cancellationToken) => Source(entry).OpenAsync(cancellationToken);

    /// <summary>The digests the plan promises; nothing is read.</summary>
    public override Task<IReadOnlyList<Digest>> HashAsync(IReadOnlyList<TarEntry> entries, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Digest>>([.. entries.Select(e => Source(e).Digest)]);

    public override async Task WriteTarAsync(Stream output, CancellationToken cancellationToken)
    {
        var writer = new TarWriter(output);
        await foreach (LayerItem item in ReadAsync(cancellationToken))
        {
            if (item.Content is null) writer.WriteEntry(item.Entry);
            else writer.WriteEntry(item.Entry, item.Content);
        }

        writer.Finish();
    }

    /// <summary>In path order; small files are read ahead in parallel, large ones are streamed, all are verified.</summary>
    /// <exception cref="KimgException">FileChangedDuringBuild, naming the file.</exception>
    internal override async IAsyncEnumerable<LayerItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var ahead = new ReadAhead(this, cancellationToken);
        foreach (PlanEntry planned in _plan)
        {
            if (planned.Source is null || planned.Entry.Size == 0 && planned.Source is not TreeFile)
            {
                yield return new LayerItem(planned.Entry, null);
                continue;
            }

            await using Stream content = await ahead.NextAsync();
            yield return new LayerItem(planned.Entry, content);
        }
    }

    /// <summary>The bytes of a planned file, failing when they are not the promised ones.</summary>
    internal async Task<Stream> OpenVerifiedAsync(PlanEntry planned, CancellationToken cancellationToken)
    {
        ImagePath name = planned.Source is TreeFile file ? file.Entry.Path : planned.Entry.Path;
        Stream content;
        try
        {
            content = await OpenAsync(planned.Entry, cancellationToken);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw CheckedStream.Changed(name, "it is gone", e);
        }

        return new CheckedStream(content, planned.Entry.Size, planned.Source!.Digest, name);
    }

    private ByteSource Source(TarEntry entry)
    {
        int position = _index.Find(entry.Path);
        return (position >= 0 ? _plan[position].Source : null) ?? throw new InvalidOperationException($"'{entry.Path}' is not a file of this layer");
    }

    private Digest ComputeId()
    {
        var encoder = new EntryEncoder(_plan.Length * 96);
        encoder.Raw("kimg-plan"u8);
        encoder.Number(FormatVersion);
        ImagePath? previous = null;
        foreach (PlanEntry planned in _plan)
        {
            if (planned.Entry.Path == previous) throw new ArgumentException($"'{planned.Entry.Path}' is planned twice");
            if (planned.Entry.Type == EntryType.File && planned.Entry.Size > 0 && planned.Source is null)
                throw new ArgumentException($"'{planned.Entry.Path}' has no source");
            previous = planned.Entry.Path;
            encoder.Text(planned.Entry.Path.Value);
            encoder.Metadata(planned.Entry);
            encoder.Text(planned.Source?.Digest.ToString() ?? "");
        }

        return Digest.FromSha256(SHA256.HashData(encoder.Written));
    }

    /// <summary>Keeps a window of small files being read while earlier ones are written.</summary>
    private sealed class ReadAhead(PlanLayer layer, CancellationToken cancellationToken) : IDisposable
    {
        private const int SmallFile = 256 << 10, Window = 64, WindowBytes = 4 << 20;

        private readonly Queue<(Task<Stream>? Small, PlanEntry Planned)> _queue = new();
        private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        private readonly SemaphoreSlim _parallel = new(Math.Max(2, Environment.ProcessorCount));
        private int _next;
        private long _bytes;

        internal async Task<Stream> NextAsync()
        {
            Fill();
            (Task<Stream>? small, PlanEntry planned) = _queue.Dequeue();
            if (small is null) return await layer.OpenVerifiedAsync(planned, cancellationToken);
            Stream content = await small;
            _bytes -= planned.Entry.Size;
            return content;
        }

        public void Dispose()
        {
            _stop.Cancel();
            Task[] running = [.. _queue.Where(q => q.Small is not null).Select(q => q.Small!)];
            // Their buffers are memory only; waiting here would delay a failure, so they end by themselves.
            Task.WhenAll(running).ContinueWith(static (done, state) =>
            {
                _ = done.Exception;
                ((IDisposable)state!).Dispose();
            }, _parallel, TaskScheduler.Default);
            _stop.Dispose();
        }

        private void Fill()
        {
            for (; _next < layer._plan.Length && _queue.Count < Window && _bytes < WindowBytes; _next++)
            {
                PlanEntry planned = layer._plan[_next];
                if (planned.Source is null || planned.Entry.Size == 0 && planned.Source is not TreeFile) continue;
                if (planned.Entry.Size > SmallFile)
                {
                    _queue.Enqueue((null, planned));
                    continue;
                }

                _bytes += planned.Entry.Size;
                CancellationToken stop = _stop.Token;
                _queue.Enqueue((Task.Run(() => ReadAsync(planned, stop), stop), planned));
            }
        }

        private async Task<Stream> ReadAsync(PlanEntry planned, CancellationToken stop)
        {
            await _parallel.WaitAsync(stop);
            try
            {
                await using Stream content = await layer.OpenVerifiedAsync(planned, stop);
                int size = (int)planned.Entry.Size;
                byte[] bytes = ArrayPool<byte>.Shared.Rent(size);
                content.ReadExactly(bytes, 0, size);
                if (content.ReadByte() >= 0) throw new System.Diagnostics.UnreachableException();
                return new RentedBytes(bytes, size);
            }
            finally
            {
                _parallel.Release();
            }
        }
    }

    /// <summary>Gives its buffer back: thousands of files of the size of large objects would otherwise be as much garbage before a collection.</summary>
    private sealed class RentedBytes(byte[] rented, int size) : MemoryStream(rented, 0, size, writable: false)
    {
        private byte[]? _rented = rented;

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (Interlocked.Exchange(ref _rented, null) is { } buffer) ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
