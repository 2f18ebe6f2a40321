using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Registry;

public sealed class TransferTests : IDisposable
{
    private static readonly byte[] s_blob = Scripts.Bytes(300_000);

    private readonly TempDirectory _temp = new();
    private readonly RegistryClient _client = new(Scripts.Options with { IdleTimeout = TimeSpan.FromMilliseconds(500) });

    public void Dispose()
    {
        _client.Dispose();
        _temp.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Goes_on_where_a_connection_broke(bool chunked)
    {
        using var registry = new ScriptedServer(r => From(r) switch
        {
            0 => new ScriptedAnswer(200, s_blob) { CutAfter = 100_000, Chunked = chunked },
            var from => Part(from) with { Chunked = chunked },
        });

        Assert.Equal(s_blob, await DownloadAsync(registry));
        Assert.Equal(2, registry.Requests.Count);
        Assert.Matches("^bytes=[1-9][0-9]*-$", registry.Requests[1].Headers["Range"]);
    }

    [Fact]
    public async Task Goes_on_after_a_body_that_stopped_moving()
    {
        using var registry = new ScriptedServer(r => From(r) switch
        {
            0 => new ScriptedAnswer(200, s_blob) { CutAfter = 100_000, ThenStall = true },
            var from => Part(from),
        });

        Assert.Equal(s_blob, await DownloadAsync(registry));
    }

    [Fact]
    public async Task Goes_on_with_a_registry_that_ignores_ranges()
    {
        int requests = 0;
        using var registry = new ScriptedServer(_ => new ScriptedAnswer(200, s_blob) { CutAfter = Interlocked.Increment(ref requests) == 1 ? 100_000 : null });

        Assert.Equal(s_blob, await DownloadAsync(registry));
    }

    [Fact]
    public async Task Refuses_other_bytes_than_promised()
    {
        byte[] other = [.. s_blob];
        other[^1] ^= 1;
        using var registry = new ScriptedServer(_ => new ScriptedAnswer(200, other));

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => DownloadAsync(registry));

        Assert.Equal(ErrorCode.DigestMismatch, e.Code);
    }

    [Theory]
    [InlineData(299_999)]
    [InlineData(300_001)]
    [InlineData(0)]
    public async Task Refuses_a_body_of_another_length_before_reading_it(int length)
    {
        using var registry = new ScriptedServer(_ => new ScriptedAnswer(200, new byte[length]));

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => DownloadAsync(registry));

        Assert.Equal(ErrorCode.DigestMismatch, e.Code);
        Assert.Contains($"of {length} bytes instead of 300000", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refuses_a_body_without_announced_length_that_does_not_end()
    {
        using var registry = new ScriptedServer(_ => new ScriptedAnswer(200, new byte[400_000]) { Chunked = true });

        Assert.Equal(ErrorCode.DigestMismatch, (await Assert.ThrowsAsync<KimgException>(() => DownloadAsync(registry))).Code);
    }

    [Fact]
    public async Task Refuses_another_part_than_asked_for()
    {
        using var registry = new ScriptedServer(r => From(r) == 0
            ? new ScriptedAnswer(200, s_blob) { CutAfter = 100_000 }
            : new ScriptedAnswer(206, s_blob[5..], ("Content-Range", "bytes 5-299999/300000")));

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => DownloadAsync(registry));

        Assert.Equal(ErrorCode.DigestMismatch, e.Code);
        Assert.Contains("from byte 5 instead of", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lying_manifest_is_refused()
    {
        using var registry = new ScriptedServer(_ => Scripts.Manifest);
        ImageReference byDigest = registry.Name($"app@{Digest.Sha256("another")}");

        Assert.Equal(ErrorCode.DigestMismatch, (await Assert.ThrowsAsync<KimgException>(() => _client.GetManifestAsync(byDigest, null, default))).Code);
        Assert.Equal(ErrorCode.DigestMismatch, (await Assert.ThrowsAsync<KimgException>(() => _client.ResolveAsync(byDigest, default))).Code);
    }

    [Fact]
    public async Task A_tag_whose_header_and_body_disagree_is_refused()
    {
        using var registry = new ScriptedServer(_ => new ScriptedAnswer(
            200, Scripts.ManifestBytes, ("Content-Type", MediaTypes.OciManifest), ("Docker-Content-Digest", Digest.Sha256("another").ToString())));

        Assert.Equal(ErrorCode.DigestMismatch, (await Assert.ThrowsAsync<KimgException>(() => _client.GetManifestAsync(registry.Name(), null, default))).Code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_manifest_without_end_is_refused(bool chunked)
    {
        using var registry = new ScriptedServer(_ => new ScriptedAnswer(200, new byte[(4 << 20) + 1], ("Content-Type", MediaTypes.OciManifest)) { Chunked = chunked });

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => _client.GetManifestAsync(registry.Name(), null, default));

        Assert.Equal(ErrorCode.InvalidManifest, e.Code);
        Assert.EndsWith("is larger than 4 MiB", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(405)]
    [InlineData(200)]
    public async Task Resolves_with_the_body_where_the_head_does_not_tell(int headStatus)
    {
        using var registry = new ScriptedServer(r => r.Method == "HEAD"
            ? new ScriptedAnswer(headStatus)
            : new ScriptedAnswer(200, Scripts.ManifestBytes, ("Content-Type", MediaTypes.OciManifest)));

        Descriptor resolved = await _client.ResolveAsync(registry.Name(), default);

        Assert.Equal((Scripts.ManifestDigest, Scripts.ManifestBytes.Length), (resolved.Digest, (int)resolved.Size));
        Assert.Equal(["HEAD /v2/app/manifests/1", "GET /v2/app/manifests/1"], registry.Lines);
    }

    [Fact]
    public async Task Foreign_layers_come_from_their_own_address_without_credentials()
    {
        using var elsewhere = new ScriptedServer(_ => new ScriptedAnswer(200, s_blob));
        using var registry = new ScriptedServer(r => r.Authorization is null
            ? new ScriptedAnswer(401, "", ("WWW-Authenticate", "Basic realm=\"x\""))
            : Scripts.NotFound);
        using var client = new RegistryClient(Scripts.With("me", "geheim"));
        Descriptor layer = Scripts.Blob(s_blob) with { MediaType = MediaTypes.DockerForeignLayer, Urls = [$"http://{elsewhere.Host}/layer"] };

        await using Stream stream = await client.BlobsOf(registry.Name()).OpenBlobAsync(layer, 0, default);
        var read = new MemoryStream();
        await stream.CopyToAsync(read);

        Assert.Equal(s_blob, read.ToArray());
        Assert.Null(Assert.Single(elsewhere.Requests).Authorization);
    }

    [Fact]
    public async Task Other_layers_never_come_from_an_address_in_the_manifest()
    {
        using var elsewhere = new ScriptedServer(_ => new ScriptedAnswer(200, s_blob));
        using var registry = new ScriptedServer(_ => Scripts.NotFound);
        Descriptor layer = Scripts.Blob(s_blob) with { Urls = [$"http://{elsewhere.Host}/layer"] };

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => _client.BlobsOf(registry.Name()).OpenBlobAsync(layer, 0, default));

        Assert.Equal(ErrorCode.ImageNotFound, e.Code);
        Assert.Empty(elsewhere.Requests);
    }

    private async Task<byte[]> DownloadAsync(ScriptedServer registry)
    {
        using var store = new ContentStore(_temp["store"]);
        Descriptor descriptor = Scripts.Blob(s_blob);
        await store.EnsureAsync(descriptor, _client.BlobsOf(registry.Name()), null, default);
        return (await store.ReadAsync(descriptor, default)).ToArray();
    }

    private static int From(ScriptedRequest request) =>
        request.Headers.TryGetValue("Range", out string? range) ? int.Parse(range["bytes=".Length..^1], System.Globalization.CultureInfo.InvariantCulture) : 0;

    private static ScriptedAnswer Part(int from) => new(206, s_blob[from..], ("Content-Range", $"bytes {from}-299999/300000"));
}
