using System.Net;
using System.Text;
using System.Text.Json;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.RegistryServer;

/// <summary>The requirements of distribution-spec 1.1, one by one, over real HTTP.</summary>
public sealed class EmbeddedRegistryTests : IAsyncDisposable
{
    private const string Name = "team/app";
    private readonly TestRegistry _registry = TestRegistry.Start();
    private readonly byte[] _bytes = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 5000).Select(i => $"line {i}\n")));

    private HttpClient Client => _registry.Client;

    private Digest BlobDigest => Digest.Sha256(_bytes);

    public async ValueTask DisposeAsync() => await _registry.DisposeAsync();

    [Fact]
    public async Task The_version_check_answers()
    {
        using HttpResponseMessage response = await Client.GetAsync("/v2/");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("registry/2.0", response.Headers.GetValues("Docker-Distribution-Api-Version").Single());
    }

    [Theory]
    [InlineData("GET", "/", 404)]
    [InlineData("GET", "/v2/nothing", 404)]
    [InlineData("POST", "/v2/", 405)]
    [InlineData("GET", "/v2/Upper/tags/list", 400)]
    [InlineData("GET", "/v2/a/../b/tags/list", 400)]
    [InlineData("GET", "/v2/%2e%2e/%2e%2e/etc/tags/list", 400)]
    [InlineData("GET", "/v2/app/tags/list", 404)]
    [InlineData("GET", "/v2/app/manifests/missing", 404)]
    [InlineData("GET", "/v2/app/manifests/.bad", 400)]
    [InlineData("GET", "/v2/app/manifests/sha256:short", 400)]
    [InlineData("GET", "/v2/app/blobs/sha256:short", 400)]
    [InlineData("GET", "/v2/app/blobs/uploads/none", 404)]
    [InlineData("PUT", "/v2/app/blobs/uploads/none?digest=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 404)]
    [InlineData("GET", "/v2/app/referrers/nothing", 400)]
    [InlineData("DELETE", "/v2/app/manifests/missing", 404)]
    [InlineData("DELETE", "/v2/app/blobs/sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 404)]
    [InlineData("POST", "/v2/app/blobs/uploads/?digest=sha256:0000000000000000000000000000000000000000000000000000000000000000", 400)]
    [InlineData("POST", "/v2/app/blobs/uploads/?mount=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855&from=../../etc", 400)]
    public async Task Bad_requests_are_answered_with_an_error_body(string method, string path, int status)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(_registry.Url.GetLeftPart(UriPartial.Authority) + path,
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
        using HttpResponseMessage response = await Client.SendAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
        using JsonDocument body = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        JsonElement error = Assert.Single(body.RootElement.GetProperty("errors").EnumerateArray());
        Assert.Matches("^[A-Z_]+$", error.GetProperty("code").GetString());
    }

    [Fact]
    public async Task A_blob_is_pushed_in_one_request_and_pulled()
    {
        await _registry.PushBlobAsync(Name, _bytes);
        await AssertBlobAsync(Name);
        using HttpResponseMessage elsewhere = await Client.GetAsync($"/v2/other/blobs/{BlobDigest}");
        Assert.Equal(HttpStatusCode.NotFound, elsewhere.StatusCode);
    }

    [Fact]
    public async Task A_blob_is_pushed_by_post_then_put()
    {
        Uri location = await BeginAsync();
        using HttpResponseMessage done = await Client.PutAsync($"{location}?digest={BlobDigest}", new ByteArrayContent(_bytes));
        Assert.Equal(HttpStatusCode.Created, done.StatusCode);
        Assert.Equal($"/v2/{Name}/blobs/{BlobDigest}", done.Headers.Location!.ToString());
        await AssertBlobAsync(Name);
    }

    [Fact]
    public async Task A_blob_is_pushed_in_chunks_and_chunks_out_of_order_are_refused()
    {
        Uri location = await BeginAsync();
        Assert.Equal(HttpStatusCode.Accepted, (await PatchAsync(location, 0, 1000)).StatusCode);
        using HttpResponseMessage wrong = await PatchAsync(location, 2000, 3000);
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, wrong.StatusCode);
        Assert.Equal("0-999", wrong.Headers.GetValues("Range").Single());
        using HttpResponseMessage lies = await PatchAsync(location, 1000, 2000, "1000-5000");
        Assert.Equal(HttpStatusCode.BadRequest, lies.StatusCode);
        using HttpResponseMessage status = await Client.GetAsync(location);
        Assert.Equal(HttpStatusCode.NoContent, status.StatusCode);
        Assert.Equal("0-999", status.Headers.GetValues("Range").Single());
        using HttpResponseMessage second = await PatchAsync(location, 1000, 20_000);
        Assert.Equal("0-19999", second.Headers.GetValues("Range").Single());
        using HttpResponseMessage done = await Client.PutAsync($"{location}?digest={BlobDigest}", new ByteArrayContent(_bytes[20_000..]));
        Assert.Equal(HttpStatusCode.Created, done.StatusCode);
        await AssertBlobAsync(Name);
    }

    [Fact]
    public async Task A_body_of_unknown_length_is_streamed_in()
    {
        Uri location = await BeginAsync();
        using var request = new HttpRequestMessage(HttpMethod.Patch, location) { Content = new StreamContent(new MemoryStream(_bytes)) };
        request.Headers.TransferEncodingChunked = true;
        Assert.Equal(HttpStatusCode.Accepted, (await Client.SendAsync(request)).StatusCode);
        using HttpResponseMessage done = await Client.PutAsync($"{location}?digest={BlobDigest}", null);
        Assert.Equal(HttpStatusCode.Created, done.StatusCode);
        await AssertBlobAsync(Name);
    }

    [Fact]
    public async Task A_client_that_waits_for_100_continue_is_told_to_send()
    {
        Uri location = await BeginAsync();
        using var request = new HttpRequestMessage(HttpMethod.Put, $"{location}?digest={BlobDigest}") { Content = new ByteArrayContent(_bytes) };
        request.Headers.ExpectContinue = true;
        Assert.Equal(HttpStatusCode.Created, (await Client.SendAsync(request)).StatusCode);
    }

    [Fact]
    public async Task An_upload_with_another_digest_is_refused_and_gone()
    {
        Uri location = await BeginAsync();
        using HttpResponseMessage done = await Client.PutAsync($"{location}?digest={Digest.Sha256("x")}", new ByteArrayContent(_bytes));
        Assert.Equal(HttpStatusCode.BadRequest, done.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await Client.GetAsync(location)).StatusCode);
        Assert.Empty(Directory.GetFiles(Path.Combine(_registry.Directory, "ingest")));
    }

    [Fact]
    public async Task An_upload_is_cancelled()
    {
        Uri location = await BeginAsync();
        Assert.Equal(HttpStatusCode.NoContent, (await Client.DeleteAsync(location)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await Client.GetAsync(location)).StatusCode);
    }

    [Fact]
    public async Task A_blob_is_mounted_from_another_repository_or_else_an_upload_begins()
    {
        await _registry.PushBlobAsync("base", _bytes);
        using HttpResponseMessage mounted = await Client.PostAsync($"/v2/{Name}/blobs/uploads/?mount={BlobDigest}&from=base", null);
        Assert.Equal(HttpStatusCode.Created, mounted.StatusCode);
        await AssertBlobAsync(Name);
        using HttpResponseMessage missing = await Client.PostAsync($"/v2/{Name}/blobs/uploads/?mount={Digest.Sha256("x")}&from=base", null);
        Assert.Equal(HttpStatusCode.Accepted, missing.StatusCode);
        Assert.NotNull(missing.Headers.Location);
    }

    [Theory]
    [InlineData("bytes=0-9", 206, 0, 9)]
    [InlineData("bytes=100-", 206, 100, -1)]
    [InlineData("bytes=-5", 206, -5, -1)]
    [InlineData("bytes=10-99999999", 206, 10, -1)]
    [InlineData("bytes=0-", 200, 0, -1)]
    [InlineData("bytes=1-2,5-6", 200, 0, -1)]
    [InlineData("lines=1-2", 200, 0, -1)]
    [InlineData("bytes=99999999-", 416, 0, 0)]
    [InlineData("bytes=5-4", 416, 0, 0)]
    public async Task Ranges_of_blobs_are_served(string range, int status, int first, int last)
    {
        await _registry.PushBlobAsync(Name, _bytes);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v2/{Name}/blobs/{BlobDigest}");
        request.Headers.TryAddWithoutValidation("Range", range);
        using HttpResponseMessage response = await Client.SendAsync(request);
        Assert.Equal(status, (int)response.StatusCode);
        if (status == 416)
        {
            Assert.Equal($"bytes */{_bytes.Length}", response.Content.Headers.GetValues("Content-Range").Single());
            return;
        }

        int from = first < 0 ? _bytes.Length + first : first, to = last < 0 ? _bytes.Length - 1 : last;
        Assert.Equal(_bytes[from..(to + 1)], await response.Content.ReadAsByteArrayAsync());
        if (status == 206) Assert.Equal($"bytes {from}-{to}/{_bytes.Length}", response.Content.Headers.GetValues("Content-Range").Single());
    }

    [Theory]
    [InlineData(MediaTypes.OciManifest)]
    [InlineData(MediaTypes.DockerManifest)]
    public async Task A_manifest_is_pushed_by_tag_and_pulled_by_tag_and_digest_byte_for_byte(string mediaType)
    {
        byte[] manifest = await ImageAsync(Name, mediaType);
        Digest digest = Digest.Sha256(manifest);
        using HttpResponseMessage put = await _registry.PutManifestAsync(Name, "v1", manifest, mediaType);
        Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        Assert.Equal(digest.ToString(), put.Headers.GetValues("Docker-Content-Digest").Single());
        foreach (string reference in new[] { "v1", digest.ToString() })
        {
            using HttpResponseMessage get = await Client.GetAsync($"/v2/{Name}/manifests/{reference}");
            Assert.Equal(manifest, await get.Content.ReadAsByteArrayAsync());
            Assert.Equal(mediaType, get.Content.Headers.ContentType!.MediaType);
            using HttpResponseMessage head = await Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, $"/v2/{Name}/manifests/{reference}"));
            Assert.Equal(manifest.Length, head.Content.Headers.ContentLength);
            Assert.Equal(digest.ToString(), head.Headers.GetValues("Docker-Content-Digest").Single());
        }

        using HttpResponseMessage elsewhere = await Client.GetAsync($"/v2/other/manifests/{digest}");
        Assert.Equal(HttpStatusCode.NotFound, elsewhere.StatusCode);
    }

    [Fact]
    public async Task Manifests_are_refused_that_are_malformed_mislabelled_too_big_or_refer_to_what_is_not_there()
    {
        byte[] good = await ImageAsync(Name, MediaTypes.OciManifest);
        byte[] dangling = await ImageAsync("other", MediaTypes.OciManifest, "elsewhere");
        byte[] index = Serialize(new ImageIndex { SchemaVersion = 2, Manifests = [Describe(good, MediaTypes.OciManifest)] });
        foreach ((byte[] bytes, string type, int status, string code) in new[]
                 {
                     ("{"u8.ToArray(), MediaTypes.OciManifest, 400, "MANIFEST_INVALID"),
                     ("{}"u8.ToArray(), MediaTypes.OciManifest, 400, "MANIFEST_INVALID"),
                     (good, MediaTypes.DockerManifest, 400, "MANIFEST_INVALID"),
                     (good, "text/plain", 400, "MANIFEST_INVALID"),
                     (dangling, MediaTypes.OciManifest, 400, "MANIFEST_BLOB_UNKNOWN"),
                     (index, MediaTypes.OciIndex, 400, "MANIFEST_BLOB_UNKNOWN"),
                     (new byte[(4 << 20) + 1], MediaTypes.OciManifest, 413, "SIZE_INVALID"),
                 })
        {
            using HttpResponseMessage put = await _registry.PutManifestAsync(Name, "bad", bytes, type);
            Assert.Equal(status, (int)put.StatusCode);
            Assert.Contains(code, await put.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        using HttpResponseMessage wrong = await _registry.PutManifestAsync(Name, Digest.Sha256("x").ToString(), good, MediaTypes.OciManifest);
        Assert.Contains("DIGEST_INVALID", await wrong.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await Client.GetAsync($"/v2/{Name}/manifests/bad")).StatusCode);
    }

    [Fact]
    public async Task Tags_are_listed_in_pages()
    {
        byte[] manifest = await ImageAsync(Name, MediaTypes.OciManifest);
        foreach (string tag in new[] { "b", "A", "c", "1.0", "B" }) (await _registry.PutManifestAsync(Name, tag, manifest, MediaTypes.OciManifest)).Dispose();
        Assert.Equal("""{"name":"team/app","tags":["1.0","A","B","b","c"]}""", await Client.GetStringAsync($"/v2/{Name}/tags/list"));
        using HttpResponseMessage first = await Client.GetAsync($"/v2/{Name}/tags/list?n=2");
        Assert.Equal("""{"name":"team/app","tags":["1.0","A"]}""", await first.Content.ReadAsStringAsync());
        string next = first.Headers.GetValues("Link").Single();
        Assert.Equal($"""</v2/{Name}/tags/list?n=2&last=A>; rel="next" """.TrimEnd(), next);
        using HttpResponseMessage rest = await Client.GetAsync($"/v2/{Name}/tags/list?n=9&last=A");
        Assert.Equal("""{"name":"team/app","tags":["B","b","c"]}""", await rest.Content.ReadAsStringAsync());
        Assert.False(rest.Headers.Contains("Link"));
        Assert.Equal("""{"name":"team/app","tags":[]}""", await Client.GetStringAsync($"/v2/{Name}/tags/list?n=0"));
        Assert.Equal("""{"repositories":["team/app"]}""", await Client.GetStringAsync("/v2/_catalog"));
    }

    [Fact]
    public async Task Deleting_a_tag_leaves_the_manifest_and_deleting_a_manifest_takes_its_tags()
    {
        byte[] manifest = await ImageAsync(Name, MediaTypes.OciManifest);
        foreach (string tag in new[] { "a", "b", "c" }) (await _registry.PutManifestAsync(Name, tag, manifest, MediaTypes.OciManifest)).Dispose();
        Assert.Equal(HttpStatusCode.Accepted, (await Client.DeleteAsync($"/v2/{Name}/manifests/a")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await Client.GetAsync($"/v2/{Name}/manifests/a")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await Client.GetAsync($"/v2/{Name}/manifests/b")).StatusCode);
        Assert.Equal(HttpStatusCode.Accepted, (await Client.DeleteAsync($"/v2/{Name}/manifests/{Digest.Sha256(manifest)}")).StatusCode);
        Assert.Equal("""{"name":"team/app","tags":[]}""", await Client.GetStringAsync($"/v2/{Name}/tags/list"));
        await _registry.PushBlobAsync(Name, _bytes);
        Assert.Equal(HttpStatusCode.Accepted, (await Client.DeleteAsync($"/v2/{Name}/blobs/{BlobDigest}")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await Client.GetAsync($"/v2/{Name}/blobs/{BlobDigest}")).StatusCode);
    }

    [Fact]
    public async Task Referrers_are_listed_filtered_and_forgotten_when_deleted()
    {
        byte[] image = await ImageAsync(Name, MediaTypes.OciManifest);
        Descriptor subject = Describe(image, MediaTypes.OciManifest);
        Assert.Empty(await ReferrersAsync(subject.Digest, ""));
        Manifest one = Parse(image) with { Subject = subject, ArtifactType = "example/sbom", Annotations = Parse(image).Annotations?.Add("k", "v") };
        Manifest two = Parse(image) with { Subject = subject };
        using HttpResponseMessage put = await _registry.PutManifestAsync(Name, Digest.Sha256(Serialize(one)).ToString(), Serialize(one), MediaTypes.OciManifest);
        Assert.Equal(subject.Digest.ToString(), put.Headers.GetValues("OCI-Subject").Single());
        (await _registry.PutManifestAsync(Name, "two", Serialize(two), MediaTypes.OciManifest)).Dispose();

        Assert.Equal(["application/vnd.oci.image.config.v1+json", "example/sbom"], (await ReferrersAsync(subject.Digest, "")).Select(d => d.ArtifactType).Order());
        Descriptor sbom = Assert.Single(await ReferrersAsync(subject.Digest, "?artifactType=example%2Fsbom", filtered: true));
        Assert.Equal(Serialize(one).Length, sbom.Size);
        await Client.DeleteAsync($"/v2/{Name}/manifests/{sbom.Digest}");
        Assert.Single(await ReferrersAsync(subject.Digest, ""));
    }

    [Fact]
    public async Task What_was_pushed_survives_a_restart_and_half_uploads_do_not()
    {
        using var directory = new TempDirectory();
        byte[] manifest;
        await using (TestRegistry first = TestRegistry.Start(options => options with { Directory = directory.Path }))
        {
            manifest = await ImageAsync(Name, MediaTypes.OciManifest, registry: first);
            (await first.PutManifestAsync(Name, "v1", manifest, MediaTypes.OciManifest)).Dispose();
            using HttpResponseMessage begun = await first.Client.PostAsync($"/v2/{Name}/blobs/uploads/", null);
            (await first.Client.PatchAsync(begun.Headers.Location, new ByteArrayContent(_bytes))).Dispose();
        }

        await using TestRegistry second = TestRegistry.Start(options => options with { Directory = directory.Path });
        Assert.Equal(manifest, await second.Client.GetByteArrayAsync($"/v2/{Name}/manifests/v1"));
        Assert.Empty(Directory.GetFiles(directory["ingest"]));
    }

    [Fact]
    public async Task Many_clients_push_at_once()
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, 24), new ParallelOptions { MaxDegreeOfParallelism = 12 }, async (i, _) =>
        {
            byte[] manifest = await ImageAsync($"app{i % 3}", MediaTypes.OciManifest, $"content {i % 5}");
            using HttpResponseMessage put = await _registry.PutManifestAsync($"app{i % 3}", "latest", manifest, MediaTypes.OciManifest);
            Assert.Equal(HttpStatusCode.Created, put.StatusCode);
        });
        Assert.Equal("""{"repositories":["app0","app1","app2"]}""", await Client.GetStringAsync("/v2/_catalog"));
    }

    private async Task AssertBlobAsync(string name)
    {
        Assert.Equal(_bytes, await Client.GetByteArrayAsync($"/v2/{name}/blobs/{BlobDigest}"));
        using HttpResponseMessage head = await Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, $"/v2/{name}/blobs/{BlobDigest}"));
        Assert.Equal(_bytes.Length, head.Content.Headers.ContentLength);
        Assert.Equal(BlobDigest.ToString(), head.Headers.GetValues("Docker-Content-Digest").Single());
    }

    private async Task<Uri> BeginAsync()
    {
        using HttpResponseMessage response = await Client.PostAsync($"/v2/{Name}/blobs/uploads/", null);
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        return response.Headers.Location!;
    }

    private async Task<HttpResponseMessage> PatchAsync(Uri location, int start, int end, string? range = null)
    {
        var content = new ByteArrayContent(_bytes[start..end]);
        content.Headers.TryAddWithoutValidation("Content-Range", range ?? $"{start}-{end - 1}");
        return await Client.PatchAsync(location, content);
    }

    private async Task<byte[]> ImageAsync(string name, string mediaType, string layer = "layer", TestRegistry? registry = null)
    {
        registry ??= _registry;
        Descriptor config = await registry.PushBlobAsync(name, "{}"u8.ToArray(), MediaTypes.OciConfig);
        Descriptor content = await registry.PushBlobAsync(name, Encoding.UTF8.GetBytes(layer));
        return Serialize(new Manifest { SchemaVersion = 2, MediaType = mediaType, Config = config, Layers = [content] });
    }

    private async Task<Descriptor[]> ReferrersAsync(Digest subject, string query, bool filtered = false)
    {
        using HttpResponseMessage response = await Client.GetAsync($"/v2/{Name}/referrers/{subject}{query}");
        Assert.Equal(MediaTypes.OciIndex, response.Content.Headers.ContentType!.MediaType);
        Assert.Equal(filtered, response.Headers.Contains("OCI-Filters-Applied"));
        return [.. JsonSerializer.Deserialize(await response.Content.ReadAsStreamAsync(), OciJson.Default.ImageIndex)!.Manifests];
    }

    private static byte[] Serialize(Manifest manifest) => JsonSerializer.SerializeToUtf8Bytes(manifest, OciJson.Default.Manifest);

    private static byte[] Serialize(ImageIndex index) => JsonSerializer.SerializeToUtf8Bytes(index, OciJson.Default.ImageIndex);

    private static Manifest Parse(byte[] bytes) => JsonSerializer.Deserialize(bytes, OciJson.Default.Manifest)!;

    private static Descriptor Describe(byte[] bytes, string mediaType) => new() { MediaType = mediaType, Digest = Digest.Sha256(bytes), Size = bytes.Length };
}
