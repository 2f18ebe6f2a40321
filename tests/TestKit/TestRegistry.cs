using System.Collections.Concurrent;
using System.Net.Http.Headers;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.RegistryServer;

namespace Kimg.TestKit;

/// <summary>The embedded registry on a free loopback port with a directory of its own; notes every request and misbehaves when told to.</summary>
internal sealed class TestRegistry : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly EmbeddedRegistry _server;

    private TestRegistry(Func<RegistryServerOptions, RegistryServerOptions>? configure)
    {
        var options = new RegistryServerOptions { Directory = _directory.Path, Middleware = MiddleAsync };
        options = configure?.Invoke(options) ?? options;
        Directory = options.Directory;
        _server = EmbeddedRegistry.Start(options);
        Client = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null && shown.Equals(options.Certificate) },
        }) { BaseAddress = _server.Url };
    }

    /// <summary>"METHOD path" in the order of arrival.</summary>
    public ConcurrentQueue<string> Requests { get; } = [];

    /// <summary>Called for every request with the way to the real answer. Return another answer, throw IOException to hang up, or return
    /// what <c>next</c> gives.</summary>
    public Func<ServerRequest, Func<Task<ServerResponse>>, Task<ServerResponse>>? Fault { get; set; }

    public string Host => _server.Host;

    public Uri Url => _server.Url;

    public string Directory { get; }

    /// <summary>A plain client for this registry; trusts exactly its certificate.</summary>
    public HttpClient Client { get; }

    public static TestRegistry Start(Func<RegistryServerOptions, RegistryServerOptions>? configure = null) => new(configure);

    /// <summary>Uploads a blob with plain requests.</summary>
    public async Task<Descriptor> PushBlobAsync(string repository, byte[] bytes, string mediaType = MediaTypes.OciLayer)
    {
        var digest = Digest.Sha256(bytes);
        using var content = new ByteArrayContent(bytes);
        using HttpResponseMessage response = await Client.PostAsync($"/v2/{repository}/blobs/uploads/?digest={digest}", content);
        response.EnsureSuccessStatusCode();
        return new Descriptor { MediaType = mediaType, Digest = digest, Size = bytes.Length };
    }

    /// <summary>Uploads a manifest, as it is, under a tag or digest.</summary>
    public async Task<HttpResponseMessage> PutManifestAsync(string repository, string reference, byte[] bytes, string mediaType)
    {
        using var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(mediaType);
        return await Client.PutAsync($"/v2/{repository}/manifests/{reference}", content);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    private Task<ServerResponse> MiddleAsync(ServerRequest request, Func<Task<ServerResponse>> next)
    {
        Requests.Enqueue($"{request.Method} {request.Path}");
        return Fault is { } fault ? fault(request, next) : next();
    }
}
