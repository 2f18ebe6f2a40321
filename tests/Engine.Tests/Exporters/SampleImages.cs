using System.Collections.Immutable;
using Kimg.Engine.Archive;
using Kimg.Engine.Content;
using Kimg.Engine.Exporters;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Tests.Archive;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Exporters;

/// <summary>A content store with images made by the engine's own writers.</summary>
internal sealed class SampleImages : IDisposable
{
    private readonly TempDirectory _state = new();
    private bool _remote;

    internal SampleImages()
    {
        Store = new ContentStore(_state.Path, new ContentStoreOptions { Durable = false });
        Blobs = new BlobSource(Store, _ => _remote ? Remote : null);
    }

    internal ContentStore Store { get; }

    internal BlobSource Blobs { get; }

    /// <summary>Blobs that are not in the store.</summary>
    internal MemoryBlobs Remote { get; } = new();

    internal static ImmutableSortedDictionary<string, string> Map(string key, string value) =>
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal).Add(key, value);

    /// <summary>Two layers, the second compressed as asked; one file in each.</summary>
    internal async Task<AssembledImage> MakeAsync(
        AssembleOptions? options = null, Compression compression = Compression.Gzip, string architecture = "amd64", bool remote = false)
    {
        options ??= new AssembleOptions();
        ExportLayer[] layers =
        [
            await LayerAsync("base-" + architecture, Compression.Gzip, remote), await LayerAsync("top-" + architecture, compression, false),
        ];
        return ImageAssembler.Assemble(
            new ImageConfig
            {
                Os = "linux",
                Architecture = architecture,
                Config = new ContainerConfig { Env = ["PATH=/bin"], Cmd = ["/top"] },
                History =
                [
                    new HistoryEntry { CreatedBy = "ADD base" }, new HistoryEntry { CreatedBy = "ENV x", EmptyLayer = true },
                    new HistoryEntry { CreatedBy = "COPY top" },
                ],
            },
            layers,
            options);
    }

    internal async Task<ExportLayer> LayerAsync(string name, Compression compression, bool remote)
    {
        byte[] tar = Tars.Write((Tars.File(name, 5), "hello"u8.ToArray())), blob = CodecTests.Pack(tar, compression);
        string mediaType = compression switch
        {
            Compression.None => MediaTypes.OciLayer, Compression.Zstd => MediaTypes.OciLayerZstd, _ => MediaTypes.OciLayerGzip,
        };
        _remote |= remote;
        if (remote) Remote.Add(mediaType, blob);
        else await Store.WriteAsync(blob, CancellationToken.None);
        return new ExportLayer(
            new Descriptor { MediaType = mediaType, Digest = Digest.Sha256(blob), Size = blob.Length },
            Digest.Sha256(tar),
            Created: Timestamp.FromUnixSeconds(1_700_000_000));
    }

    /// <summary>Fails unless every invariant of the image holds.</summary>
    internal async Task MustBeValidAsync(ExportContent content)
    {
        var bytes = content.Blobs.Where(b => b.Bytes is not null).DistinctBy(b => b.Descriptor.Digest).ToDictionary(b => b.Descriptor.Digest, b => b.Bytes!.Value);
        var validator = new OciValidator(
            (descriptor, _) => Task.FromResult(bytes.TryGetValue(descriptor.Digest, out ReadOnlyMemory<byte> known)
                ? new MemoryStream(known.ToArray())
                : Store.OpenRead(descriptor.Digest)),
            stream => Codec.Decompress(stream, leaveOpen: true));
        Assert.Equal([], await validator.ValidateAsync(content.Root, CancellationToken.None));
    }

    public void Dispose()
    {
        Store.Dispose();
        _state.Dispose();
    }
}
