using System.Collections.Immutable;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Registry;

public sealed class UploadTests
{
    private static readonly RegistryOptions s_options = Scripts.Options with { ChunkSize = 1000 };

    [Fact]
    public async Task Sends_a_known_blob_in_two_requests()
    {
        using var registry = new FakeUploads();
        using var client = new RegistryClient(s_options);
        byte[] blob = Scripts.Bytes(5000);
        var seen = new List<long>();

        await Uploads(client, registry).UploadAsync(Scripts.Blob(blob), Open(blob), seen.Add, default);

        Assert.Equal(blob, registry.Blobs[Digest.Sha256(blob)]);
        Assert.Equal(["POST", "PUT"], registry.Methods);
        Assert.Equal(5000, seen[^1]);
    }

    [Fact]
    public async Task Begins_again_with_another_session_after_a_broken_one()
    {
        using var registry = new FakeUploads { BreakPuts = 2 };
        using var client = new RegistryClient(s_options);
        byte[] blob = Scripts.Bytes(5000);

        await Uploads(client, registry).UploadAsync(Scripts.Blob(blob), Open(blob), null, default);

        Assert.Equal(["POST", "PUT", "POST", "PUT", "POST", "PUT"], registry.Methods);
        Assert.Equal(blob, registry.Blobs[Digest.Sha256(blob)]);
    }

    [Fact]
    public async Task Refuses_to_send_other_bytes_than_described()
    {
        using var registry = new FakeUploads();
        using var client = new RegistryClient(s_options);
        byte[] blob = Scripts.Bytes(5000), other = [.. blob];
        other[0] ^= 1;

        KimgException e = await Assert.ThrowsAsync<KimgException>(
            () => Uploads(client, registry).UploadAsync(Scripts.Blob(blob), Open(other), null, default));

        Assert.Equal(ErrorCode.DigestMismatch, e.Code);
        Assert.Empty(registry.Blobs);
    }

    [Theory]
    [InlineData(0, "POST PUT")]
    [InlineData(1000, "POST PUT")]
    [InlineData(1001, "POST PATCH PATCH PUT")]
    [InlineData(3500, "POST PATCH PATCH PATCH PATCH PUT")]
    public async Task Sends_a_blob_while_it_is_written(int size, string methods)
    {
        using var registry = new FakeUploads();
        using var client = new RegistryClient(s_options);
        byte[] blob = Scripts.Bytes(size);

        (Digest digest, long length) = await WriteAsync(Uploads(client, registry), blob);

        Assert.Equal((Digest.Sha256(blob), size), (digest, (int)length));
        Assert.Equal(blob, registry.Blobs[digest]);
        Assert.Equal(methods.Split(' '), registry.Methods);
    }

    [Fact]
    public async Task Sends_chunks_as_large_as_the_registry_wants_them()
    {
        using var registry = new FakeUploads { MinChunk = 2500 };
        using var client = new RegistryClient(s_options);
        byte[] blob = Scripts.Bytes(6000);

        await WriteAsync(Uploads(client, registry), blob);

        Assert.Equal([2500, 2500, 1000], registry.Chunks);
        Assert.Equal(blob, registry.Blobs[Digest.Sha256(blob)]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(400)]
    [InlineData(1000)]
    public async Task Goes_on_in_a_chunk_that_broke(int kept)
    {
        using var registry = new FakeUploads { BreakSecondPatchAfter = kept };
        using var client = new RegistryClient(s_options);
        byte[] blob = Scripts.Bytes(2500);

        await WriteAsync(Uploads(client, registry), blob);

        Assert.Equal(blob, registry.Blobs[Digest.Sha256(blob)]);
        Assert.Contains("GET", registry.Methods);
    }

    [Fact]
    public async Task Leaves_nothing_behind_when_what_writes_fails()
    {
        using var registry = new FakeUploads();
        using var client = new RegistryClient(s_options);

        await using (BlobUpload upload = Uploads(client, registry).Begin()) await upload.Stream.WriteAsync(Scripts.Bytes(1500));

        Assert.Equal(["POST", "PATCH", "DELETE"], registry.Methods);
        Assert.Empty(registry.Blobs);
    }

    [Fact]
    public async Task Mounts_what_another_repository_has()
    {
        using var registry = new FakeUploads { Mountable = "other/repo" };
        using var client = new RegistryClient(s_options);

        Assert.True(await Uploads(client, registry).TryMountAsync(Scripts.Blob([1]), "other/repo", default));
        Assert.Equal($"POST /v2/app/blobs/uploads/?mount={Digest.Sha256([1])}&from=other%2Frepo", registry.Server.Lines[0]);
        Assert.False(await Uploads(client, registry).TryMountAsync(Scripts.Blob([1]), "another", default));
        Assert.Equal(["POST", "POST", "DELETE"], registry.Methods);
    }

    [Fact]
    public async Task Pushes_children_first_and_the_tag_last_and_mounts_what_it_may()
    {
        using var registry = new FakeUploads { Mountable = "base" };
        using var client = new RegistryClient(Scripts.Options);
        var blobs = new MemoryBlobs();
        var amd64 = new Platform("linux", "amd64");
        var arm64 = new Platform("linux", "arm64");
        TestImage first = TestImage.Create(blobs, amd64, "shared", "one"), second = TestImage.Create(blobs, arm64, "shared", "two");
        Descriptor index = TestImage.AddIndex(blobs, (first.Manifest, amd64), (second.Manifest, arm64));

        await new Pusher(client).PushAsync(
            new PushRequest
            {
                Names = [registry.Server.Name("app:1"), registry.Server.Name("app:2")],
                Root = index,
                Source = blobs,
                MountFrom = ImmutableDictionary<Digest, ImmutableArray<string>>.Empty.Add(first.Layers[0].Digest, ["base"]),
            },
            default);

        Assert.Equal(
            [$"/v2/app/manifests/{first.Manifest.Digest}", $"/v2/app/manifests/{second.Manifest.Digest}", "/v2/app/manifests/1", "/v2/app/manifests/2"],
            registry.Manifests);
        Assert.False(blobs.Opened.ContainsKey(first.Layers[0].Digest));
        Assert.Equal(4, registry.Blobs.Count);
    }

    [Fact]
    public async Task Sends_only_the_tag_when_the_image_is_there()
    {
        using var registry = new FakeUploads();
        using var client = new RegistryClient(Scripts.Options);
        TestImage image = TestImage.Create(new MemoryBlobs(), new Platform("linux", "amd64"), "text");
        await PushAsync("app:1");
        int before = registry.Server.Requests.Count;

        await PushAsync("app:2");

        Assert.Equal(["HEAD", "PUT"], registry.Methods.Skip(before));

        Task PushAsync(string name) => new Pusher(client).PushAsync(
            new PushRequest { Names = [registry.Server.Name(name)], Root = image.Manifest, Source = image.Blobs }, default);
    }

    [Theory]
    [InlineData(false, "HEAD HEAD POST PUT POST PUT")]
    [InlineData(true, "HEAD HEAD PUT")]
    public async Task Looks_for_each_blob_and_not_for_the_image_where_another_build_of_it_was_before(bool before, string requests)
    {
        using var registry = new FakeUploads { Mountable = "base" };
        using var client = new RegistryClient(Scripts.Options with { ParallelTransfers = 1 });
        TestImage image = TestImage.Create(new MemoryBlobs(), new Platform("linux", "amd64"), "text");
        if (before)
        {
            foreach (Descriptor blob in image.Layers.Append(image.Config)) registry.Blobs[blob.Digest] = [];
        }

        await new Pusher(client).PushAsync(
            new PushRequest
            {
                Names = [registry.Server.Name("app:1")],
                Root = image.Manifest,
                Source = image.Blobs,
                LookFirst = before,
                MountFrom = ImmutableDictionary<Digest, ImmutableArray<string>>.Empty.Add(image.Layers[0].Digest, ["base"]),
            },
            default);

        Assert.Equal(requests, string.Join(' ', registry.Methods));
    }

    [Theory]
    [InlineData("manifest", 400, false)]
    [InlineData("manifest", 404, false)]
    [InlineData("manifest", 400, true)]
    [InlineData("index", 400, true)]
    [InlineData("cache", 400, true)]
    public async Task What_a_registry_does_not_know_any_more_is_looked_for_and_sent_again(string what, int status, bool lost)
    {
        using var registry = new FakeUploads { Doubts = 2, DoubtStatus = status, DoubtLoses = lost };
        using var client = new RegistryClient(Scripts.Options);
        var platform = new Platform("linux", "amd64");
        TestImage image = TestImage.Create(new MemoryBlobs(), platform, "one", "two");
        ImageReference name = registry.Server.Name();
        var request = new PushRequest
        {
            Names = [name],
            Root = what == "index" ? TestImage.AddIndex(image.Blobs, (image.Manifest, platform)) : image.Manifest,
            Source = image.Blobs,
        };

        if (what == "cache") await new Pusher(client).PushFlatAsync(request, await DocumentAsync(image), [image.Config, .. image.Layers], default);
        else await new Pusher(client).PushAsync(request, default);

        Assert.EndsWith("/manifests/1", registry.Manifests[^1], StringComparison.Ordinal);
        Assert.Equal(image.Layers.Append(image.Config).Select(b => b.Digest).Order(), registry.Blobs.Keys.Order());
    }

    [Fact]
    public async Task A_tag_of_an_image_that_was_there_is_set_when_its_blobs_are_gone()
    {
        using var registry = new FakeUploads();
        using var client = new RegistryClient(Scripts.Options);
        TestImage image = TestImage.Create(new MemoryBlobs(), new Platform("linux", "amd64"), "text");
        await PushAsync("app:1");
        (registry.Doubts, registry.DoubtLoses) = (1, true);

        await PushAsync("app:2");

        Assert.Equal("/v2/app/manifests/2", registry.Manifests[^1]);
        Assert.Equal(2, registry.Blobs.Count);

        Task PushAsync(string name) => new Pusher(client).PushAsync(
            new PushRequest { Names = [registry.Server.Name(name)], Root = image.Manifest, Source = image.Blobs }, default);
    }

    [Fact]
    public async Task What_stays_missing_is_an_error_of_its_own()
    {
        using var registry = new FakeUploads { Doubts = int.MaxValue };
        using var client = new RegistryClient(Scripts.Options);
        TestImage image = TestImage.Create(new MemoryBlobs(), new Platform("linux", "amd64"), "text");

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => new Pusher(client).PushAsync(
            new PushRequest { Names = [registry.Server.Name()], Root = image.Manifest, Source = image.Blobs }, default));

        Assert.Equal(ErrorCode.ContentMissing, e.Code);
        Assert.Contains("MANIFEST_BLOB_UNKNOWN", e.Message, StringComparison.Ordinal);
        Assert.Empty(registry.Manifests);
    }

    [Fact]
    public async Task Tags_nothing_when_a_blob_cannot_be_pushed()
    {
        using var registry = new FakeUploads { RefusePuts = true };
        using var client = new RegistryClient(Scripts.Options);
        TestImage image = TestImage.Create(new MemoryBlobs(), new Platform("linux", "amd64"), "one", "two");

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => new Pusher(client).PushAsync(
            new PushRequest { Names = [registry.Server.Name()], Root = image.Manifest, Source = image.Blobs }, default));

        Assert.Equal(ErrorCode.AccessDenied, e.Code);
        Assert.Empty(registry.Manifests);
    }

    [Fact]
    public async Task Notices_a_registry_that_stores_a_manifest_under_another_digest()
    {
        using var registry = new ScriptedServer(r => r.Method == "PUT"
            ? new ScriptedAnswer(201, "", ("Docker-Content-Digest", Digest.Sha256("another").ToString()))
            : Scripts.NotFound);
        using var client = new RegistryClient(Scripts.Options);
        ManifestDocument manifest = ManifestDocument.Parse(Scripts.ManifestBytes, Scripts.ManifestDigest, null, "x");

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => client.PutManifestAsync(registry.Name(), manifest, default));

        Assert.Equal(ErrorCode.DigestMismatch, e.Code);
    }

    private static async Task<ManifestDocument> DocumentAsync(TestImage image)
    {
        await using Stream stream = await image.Blobs.OpenBlobAsync(image.Manifest, 0, default);
        var bytes = new byte[image.Manifest.Size];
        await stream.ReadExactlyAsync(bytes);
        return ManifestDocument.Parse(bytes, image.Manifest.Digest, image.Manifest.MediaType, "x");
    }

    private static BlobUploads Uploads(RegistryClient client, FakeUploads registry) => new(client, registry.Server.Name());

    private static Func<CancellationToken, Task<Stream>> Open(byte[] bytes) => _ => Task.FromResult<Stream>(new MemoryStream(bytes));

    private static async Task<(Digest Digest, long Size)> WriteAsync(BlobUploads uploads, byte[] blob)
    {
        await using BlobUpload upload = uploads.Begin();
        foreach (byte[] piece in blob.Chunk(333)) await upload.Stream.WriteAsync(piece);
        return await upload.CommitAsync(Digest.Sha256(blob), default);
    }
}
