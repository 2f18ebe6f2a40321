using System.Collections.Concurrent;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.TestKit;

/// <summary>Blobs in memory; counts how often each was opened.</summary>
public sealed class MemoryBlobs : IBlobProvider
{
    private readonly ConcurrentDictionary<Digest, byte[]> _blobs = new();

    public ConcurrentDictionary<Digest, int> Opened { get; } = new();

    public Descriptor Add(string mediaType, byte[] bytes)
    {
        Digest digest = Digest.Sha256(bytes);
        _blobs[digest] = bytes;
        return new Descriptor { MediaType = mediaType, Digest = digest, Size = bytes.Length };
    }

    public byte[] this[Digest digest]
    {
        get => _blobs[digest];
        set => _blobs[digest] = value;
    }

    public Task<Stream> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken)
    {
        Opened.AddOrUpdate(descriptor.Digest, 1, (_, count) => count + 1);
        byte[] bytes = _blobs[descriptor.Digest];
        return Task.FromResult<Stream>(new MemoryStream(bytes, (int)offset, bytes.Length - (int)offset, writable: false));
    }
}
