using System.Security.Cryptography.X509Certificates;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Registry;

/// <summary>A client does not check the certificates of loopback, so most of these work with the parts below it.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly TestCertificates _authority = new();

    public void Dispose()
    {
        _authority.Dispose();
        _temp.Dispose();
    }

    [Fact]
    public async Task Loopback_may_speak_https_with_any_certificate()
    {
        using X509Certificate2 certificate = _authority.Issue("server");
        using var registry = new ScriptedServer(_ => Scripts.Manifest, certificate);
        using var client = new RegistryClient(Scripts.Options);

        await client.ResolveAsync(registry.Name(), default);
        await client.ResolveAsync(registry.Name(), default);

        Assert.Equal(2, registry.Requests.Count);
    }

    [Fact]
    public async Task An_unknown_authority_is_refused_with_what_to_do()
    {
        using X509Certificate2 certificate = _authority.Issue("server");
        using var registry = new ScriptedServer(_ => Scripts.Manifest, certificate);
        using var pools = new ConnectionPools(Scripts.Options with { CaFiles = [WriteAuthority(new TestCertificates())] });

        var e = await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync(pools, registry));

        KimgException shown = RegistryErrors.FromFailure(Request(registry), Endpoint(registry), e);
        Assert.Equal(ErrorCode.TlsFailed, shown.Code);
        Assert.Contains("--registry-certificate", shown.Hint, StringComparison.Ordinal);
        Assert.Empty(registry.Requests);
    }

    [Fact]
    public async Task An_authority_from_a_file_is_trusted()
    {
        using X509Certificate2 certificate = _authority.Issue("server");
        using var registry = new ScriptedServer(_ => Scripts.Manifest, certificate);
        using var pools = new ConnectionPools(Scripts.Options with { CaFiles = [WriteAuthority(_authority)] });

        Assert.Equal(200, await GetAsync(pools, registry));
    }

    [Fact]
    public async Task A_certs_directory_gives_authority_and_client_certificate()
    {
        using X509Certificate2 certificate = _authority.Issue("server"), mine = _authority.Issue("me");
        using var registry = new ScriptedServer(_ => Scripts.Manifest, certificate, askForClientCertificate: true);
        string directory = _temp[Path.Combine("certs.d", registry.Host)];
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "ca.crt"), _authority.AuthorityPem);
        File.WriteAllText(Path.Combine(directory, "client.cert"), mine.ExportCertificatePem());
        File.WriteAllText(Path.Combine(directory, "client.key"), TestCertificates.KeyPem(mine));
        using var pools = new ConnectionPools(Scripts.Options with { CertificateDirectories = [_temp["absent"], _temp["certs.d"]] });

        Assert.Equal(200, await GetAsync(pools, registry));
        Assert.Equal("CN=me", registry.Requests[0].ClientCertificate);
    }

    [Fact]
    public void A_client_certificate_without_key_is_an_error()
    {
        Directory.CreateDirectory(_temp["r.example"]);
        File.WriteAllText(_temp["r.example/client.cert"], "");

        var e = Assert.Throws<KimgException>(() => CertificateDirectory.Find([_temp.Path], "r.example"));

        Assert.Contains("client.key", e.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_insecure_registry_is_asked_over_https_first_and_then_plainly()
    {
        using var plain = new ScriptedServer(_ => Scripts.Manifest);
        var endpoint = new RegistryEndpoint(new Uri($"https://{plain.Host}"), plain.Host) { Insecure = true, Alternative = new Uri($"http://{plain.Host}") };
        using var transport = new RegistryTransport(Scripts.Options, new EndpointResolver(Scripts.Options), HostTrust.Dns);

        using HttpResponseMessage response = await transport.SendAsync(
            new RegistryRequest(HttpMethod.Get, endpoint, "app", "x") { Resource = "manifests/1" }, default);

        Assert.Equal("http", response.RequestMessage!.RequestUri!.Scheme);
    }

    [Fact]
    public async Task A_secure_registry_is_never_asked_plainly()
    {
        using var plain = new ScriptedServer(_ => Scripts.Manifest);
        var endpoint = new RegistryEndpoint(new Uri($"https://{plain.Host}"), plain.Host);
        using var transport = new RegistryTransport(Scripts.Options, new EndpointResolver(Scripts.Options), HostTrust.Dns);

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => transport.SendAsync(
            new RegistryRequest(HttpMethod.Get, endpoint, "app", "x") { Resource = "manifests/1" }, default));

        Assert.Contains("--registry-insecure", e.Hint, StringComparison.Ordinal);
        Assert.DoesNotContain(plain.Lines, l => l.StartsWith("GET", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Https_never_leads_to_http_nor_takes_a_plain_token_service()
    {
        using X509Certificate2 certificate = _authority.Issue("server");
        using var elsewhere = new ScriptedServer(_ => Scripts.Manifest);
        using var registry = new ScriptedServer(
            r => r.Path.EndsWith("redirect", StringComparison.Ordinal)
                ? new ScriptedAnswer(307, "", ("Location", $"http://{elsewhere.Host}/"))
                : Scripts.Bearer(elsewhere),
            certificate);
        RegistryOptions options = Scripts.Options with { CaFiles = [WriteAuthority(_authority)] };
        using var transport = new RegistryTransport(options, new EndpointResolver(options), HostTrust.Dns);

        KimgException redirected = await Assert.ThrowsAsync<KimgException>(() => transport.SendAsync(Request(registry) with { Resource = "redirect" }, default));
        KimgException realm = await Assert.ThrowsAsync<KimgException>(() => transport.SendAsync(Request(registry), default));

        Assert.Equal(ErrorCode.RegistryRefused, redirected.Code);
        Assert.Equal(ErrorCode.AuthenticationFailed, realm.Code);
        Assert.Contains("not https although the registry is", realm.Message, StringComparison.Ordinal);
        Assert.Empty(elsewhere.Requests);
    }

    [Fact]
    public void The_bundle_is_found_in_the_usual_places_and_a_configured_one_replaces_it()
    {
        using var other = new TestCertificates();
        string usual = WriteAuthority(_authority), configured = WriteAuthority(other);

        Assert.Single(CaBundle.Load(Scripts.Options, [], [_temp["absent.pem"], usual])!);
        Assert.Null(CaBundle.Load(Scripts.Options, [], [_temp["absent.pem"]]));
        X509Certificate2Collection only = CaBundle.Load(Scripts.Options with { SslCertFile = configured }, [], [usual])!;
        Assert.Equal(other.AuthorityPem, Assert.Single(only).ExportCertificatePem());
        Assert.Equal(2, CaBundle.Load(Scripts.Options, [configured], [usual])!.Count);
    }

    [Fact]
    public void An_unreadable_authority_is_an_error()
    {
        var e = Assert.Throws<KimgException>(() => CaBundle.Load(Scripts.Options with { CaFiles = [_temp["absent.pem"]] }, []));

        Assert.Equal(ErrorCode.TlsFailed, e.Code);
        Assert.Contains(_temp["absent.pem"], e.Message, StringComparison.Ordinal);
    }

    private static RegistryEndpoint Endpoint(ScriptedServer registry) => new(new Uri($"https://{registry.Host}"), registry.Host);

    private static RegistryRequest Request(ScriptedServer registry) => new(HttpMethod.Get, Endpoint(registry), "app", "x") { Resource = "manifests/1" };

    private static async Task<int> GetAsync(ConnectionPools pools, ScriptedServer registry)
    {
        var uri = new Uri($"https://{registry.Host}/v2/");
        using var message = new HttpRequestMessage(HttpMethod.Get, uri);
        using HttpResponseMessage response = await pools.For(uri, skipVerify: false).SendAsync(message, default);
        return (int)response.StatusCode;
    }

    private string WriteAuthority(TestCertificates authority)
    {
        string file = _temp[Guid.NewGuid() + ".pem"];
        File.WriteAllText(file, authority.AuthorityPem);
        return file;
    }
}
