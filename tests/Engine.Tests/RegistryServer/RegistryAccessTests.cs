using System.Collections.Frozen;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Kimg.Engine.Oci;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.RegistryServer;

public sealed class RegistryAccessTests
{
    private const string Empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    private static readonly FrozenDictionary<string, string> s_users = new Dictionary<string, string> { ["anna"] = "secret" }.ToFrozenDictionary();

    [Fact]
    public async Task Basic_authentication_lets_only_users_in()
    {
        await using TestRegistry registry = TestRegistry.Start(options => options with { Users = s_users });
        using HttpResponseMessage nobody = await registry.Client.GetAsync("/v2/");
        Assert.Equal(HttpStatusCode.Unauthorized, nobody.StatusCode);
        Assert.Equal("Basic realm=\"kimg\"", nobody.Headers.WwwAuthenticate.Single().ToString());
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(registry, "/v2/", Basic("anna:wrong"))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(registry, "/v2/", Basic("anna:secret"))).StatusCode);
    }

    [Fact]
    public async Task A_token_opens_what_it_was_issued_for_until_it_expires()
    {
        var time = new ManualTime();
        await using TestRegistry registry = TestRegistry.Start(options => options with { Users = s_users, Bearer = true, Time = time });
        using HttpResponseMessage nobody = await registry.Client.GetAsync("/v2/app/tags/list");
        string challenge = nobody.Headers.WwwAuthenticate.Single().ToString();
        Assert.Equal($"Bearer realm=\"{registry.Url}token\",service=\"{registry.Host}\",scope=\"repository:app:pull\"", challenge);
        Assert.Equal(HttpStatusCode.Unauthorized, (await registry.Client.GetAsync("/token?scope=repository:app:pull")).StatusCode);

        string token = await TokenAsync(await GetAsync(registry, "/token?scope=repository:app:pull&scope=repository:b:push", Basic("anna:secret")));
        var bearer = new AuthenticationHeaderValue("Bearer", token);
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(registry, "/v2/app/tags/list", bearer)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(registry, "/v2/c/tags/list", bearer)).StatusCode);
        time.Now += TimeSpan.FromMinutes(6);
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(registry, "/v2/app/tags/list", bearer)).StatusCode);
    }

    [Fact]
    public async Task Passwords_and_refresh_tokens_are_exchanged_by_post()
    {
        await using TestRegistry registry = TestRegistry.Start(options => options with { Users = s_users, Bearer = true });
        using HttpResponseMessage first = await registry.Client.PostAsync("/token", new StringContent(
            "grant_type=password&username=anna&password=secret&access_type=offline&service=x&scope=repository%3Aapp%3Apull"));
        using JsonDocument answer = JsonDocument.Parse(await first.Content.ReadAsStringAsync());
        string refresh = answer.RootElement.GetProperty("refresh_token").GetString()!;
        using HttpResponseMessage second = await registry.Client.PostAsync("/token",
            new StringContent($"grant_type=refresh_token&refresh_token={refresh}&scope=repository%3Aapp%3Apull"));
        Assert.Equal(HttpStatusCode.NotFound,
            (await GetAsync(registry, "/v2/app/tags/list", new AuthenticationHeaderValue("Bearer", await TokenAsync(second)))).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await registry.Client.PostAsync("/token", new StringContent("grant_type=refresh_token&refresh_token=no"))).StatusCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Anonymous_clients_may_pull_where_that_is_allowed_and_never_push(bool bearer)
    {
        await using TestRegistry registry = TestRegistry.Start(options => options with { Users = s_users, Bearer = bearer, AnonymousPull = true });
        AuthenticationHeaderValue? token = bearer
            ? new AuthenticationHeaderValue("Bearer", await TokenAsync(await registry.Client.GetAsync("/token?scope=repository:app:pull,push")))
            : null;
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(registry, "/v2/app/tags/list", token)).StatusCode);
        using var push = new HttpRequestMessage(HttpMethod.Post, "/v2/app/blobs/uploads/");
        push.Headers.Authorization = token;
        Assert.Equal(HttpStatusCode.Unauthorized, (await registry.Client.SendAsync(push)).StatusCode);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Skopeo_copies_an_image_in_and_out_unchanged(bool bearer)
    {
        using var work = new TempDirectory();
        await using TestRegistry registry = TestRegistry.Start(options => bearer ? options with { Users = s_users, Bearer = true } : options);
        TestImage image = TestImage.Create(new MemoryBlobs(), Kimg.Engine.Primitives.Platform.Parse("linux/amd64"), "one", "two");
        Directory.CreateDirectory(work["in/blobs/sha256"]);
        foreach (Descriptor blob in image.Layers.Append(image.Config).Append(image.Manifest))
        {
            await using Stream from = await image.Blobs.OpenBlobAsync(blob, 0, CancellationToken.None);
            await using FileStream to = File.Create(work[$"in/blobs/sha256/{blob.Digest.Hex}"]);
            await from.CopyToAsync(to);
        }

        File.WriteAllText(work["in/oci-layout"], """{"imageLayoutVersion":"1.0.0"}""");
        var index = new ImageIndex { SchemaVersion = 2, Manifests = [image.Manifest] };
        File.WriteAllBytes(work["in/index.json"], JsonSerializer.SerializeToUtf8Bytes(index, OciJson.Default.ImageIndex));
        string name = $"docker://{registry.Host}/team/app:v1";
        await HostProgram.MustAsync("skopeo", "copy", "--preserve-digests", "--dest-tls-verify=false", "--dest-creds", "anna:secret", "oci:" + work["in"], name);
        await HostProgram.MustAsync("skopeo", "copy", "--preserve-digests", "--src-tls-verify=false", "--src-creds", "anna:secret", name, "oci:" + work["out"]);
        Assert.Equal(Directory.GetFiles(work["in/blobs/sha256"]).Select(File.ReadAllBytes).Select(b => Engine.Primitives.Digest.Sha256(b)).Order(),
            Directory.GetFiles(work["out/blobs/sha256"]).Select(File.ReadAllBytes).Select(b => Engine.Primitives.Digest.Sha256(b)).Order());
        await HostProgram.MustAsync("skopeo", "delete", "--tls-verify=false", "--creds", "anna:secret", name);
        ProgramResult gone = await HostProgram.RunAsync("skopeo", ["inspect", "--tls-verify=false", "--creds", "anna:secret", name]);
        Assert.Contains("manifest unknown", gone.Errors, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("GET /v2/ HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("GET /v2/ HTTP/1.1\r\nContent-Length: -5\r\n\r\n")]
    [InlineData("GET /v2/ HTTP/1.1\r\nBad Header: 5\r\n : x\r\n\r\n")]
    [InlineData("nonsense\r\n\r\n")]
    [InlineData("POST /v2/a/blobs/uploads/?digest=" + Empty + " HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")]
    public async Task Malformed_requests_are_refused_and_the_server_lives(string request)
    {
        await using TestRegistry registry = TestRegistry.Start();
        string answer = await RawAsync(registry, request);
        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await registry.Client.GetAsync("/v2/")).StatusCode);
    }

    [Fact]
    public async Task Endless_lines_and_headers_are_refused()
    {
        await using TestRegistry registry = TestRegistry.Start();
        Assert.StartsWith("HTTP/1.1 431 ", await RawAsync(registry, "GET /" + new string('x', 70_000)), StringComparison.Ordinal);
        string headers = string.Concat(Enumerable.Range(0, 200).Select(i => $"X-{i}: y\r\n"));
        Assert.StartsWith("HTTP/1.1 431 ", await RawAsync(registry, "GET /v2/ HTTP/1.1\r\n" + headers + "\r\n"), StringComparison.Ordinal);
    }

    private static async Task<string> RawAsync(TestRegistry registry, string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(registry.Url.Host, registry.Url.Port);
        await using NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        var buffer = new byte[4096];
        return Encoding.ASCII.GetString(buffer, 0, await stream.ReadAsync(buffer));
    }

    private static AuthenticationHeaderValue Basic(string user) => new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(user)));

    private static async Task<HttpResponseMessage> GetAsync(TestRegistry registry, string path, AuthenticationHeaderValue? authorization)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = authorization;
        return await registry.Client.SendAsync(request);
    }

    private static async Task<string> TokenAsync(HttpResponseMessage response)
    {
        using JsonDocument answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return answer.RootElement.GetProperty("token").GetString()!;
    }
}
