using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Registry.Credentials;
using Kimg.Engine.RegistryServer;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Registry.Credentials;

/// <summary>The clouds' services, played by a local server to which every request is sent, whatever its host.</summary>
public sealed class CloudCredentialTests : IAsyncDisposable
{
    private const string Ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    private readonly TempDirectory _directory = new();
    private readonly ManualTime _time = new();
    private readonly Dictionary<string, string> _environment = [];
    private readonly Dictionary<string, Func<ServerRequest, string, (int Status, string Body)>> _services = [];
    private readonly List<string> _calls = [];
    private readonly TestRegistry _server = TestRegistry.Start();

    public CloudCredentialTests()
    {
        _server.Fault = async (request, _) =>
        {
            string body = await new StreamReader(request.Body).ReadToEndAsync();
            string call = $"{request.Method} {request.Header("Host")}{request.Path}";
            _calls.Add(call);
            (int status, string answer) = _services.TryGetValue(call, out var service) ? service(request, body) : (404, "");
            return ServerResponse.Bytes(status, "application/json", Encoding.UTF8.GetBytes(answer));
        };
        _services["POST api.ecr.eu-west-1.amazonaws.com/"] = (request, body) =>
            request.Header("X-Amz-Target") == "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken" && body == "{}"
                ? (200, $$"""{"authorizationData":[{"authorizationToken":"{{Base64("AWS:" + AccessKey(request))}}","expiresAt":1}]}""")
                : (400, """{"__type":"InvalidParameterException"}""");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    [Theory]
    [InlineData("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")]
    [InlineData("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
    public void The_signature_is_the_one_that_amazon_publishes_for_its_examples(string method, string signature)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), "https://example.amazonaws.com/");
        var identity = new AwsIdentity("AKIDEXAMPLE", new Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), null, "test");
        AwsSigner.Sign(request, [], identity, "us-east-1", "service", new DateTimeOffset(2015, 8, 30, 12, 36, 0, TimeSpan.Zero));
        Assert.EndsWith("Signature=" + signature, request.Headers.NonValidated["Authorization"].ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Ecr, "eu-west-1", "api.ecr.eu-west-1.amazonaws.com")]
    [InlineData("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1", "ecr-fips.us-gov-west-1.amazonaws.com")]
    [InlineData("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1", "api.ecr.cn-north-1.amazonaws.com.cn")]
    [InlineData("123456789012.dkr-ecr.us-east-1.on.aws", "us-east-1", "ecr.us-east-1.api.aws")]
    [InlineData(Ecr + ".evil.org", null, null)]
    [InlineData("12345.dkr.ecr.eu-west-1.amazonaws.com", null, null)]
    [InlineData("evil.org/123456789012.dkr.ecr.eu-west-1.amazonaws.com", null, null)]
    public void Only_registries_of_amazon_have_its_api(string host, string? region, string? api) =>
        Assert.Equal(region is null ? null : (region, api!), EcrCredentials.Api(host));

    [Theory]
    [InlineData("docker.io")]
    [InlineData("gcr.io.evil.org")]
    [InlineData("evil-gcr.io")]
    [InlineData("x.azurecr.io.evil.org")]
    [InlineData("evil.org:443")]
    [InlineData("localhost:5000")]
    public async Task Nobody_is_asked_for_a_registry_of_no_cloud(string host)
    {
        (_environment["AWS_ACCESS_KEY_ID"], _environment["AWS_SECRET_ACCESS_KEY"]) = ("AKID", "secret");
        Assert.Null(await FindAsync(host));
        Assert.Empty(_calls);
    }

    [Fact]
    public async Task Amazon_with_variables()
    {
        (_environment["AWS_ACCESS_KEY_ID"], _environment["AWS_SECRET_ACCESS_KEY"], _environment["AWS_SESSION_TOKEN"]) = ("AKID", "secret", "session");
        Credential found = (await FindAsync(Ecr))!;
        Assert.Equal(("AWS", "AKID", "Amazon ECR (AWS_ACCESS_KEY_ID)"), (found.Username, found.Password.Reveal(), found.Source));
    }

    [Fact]
    public async Task Amazon_with_web_identity()
    {
        File.WriteAllText(_directory["token"], "jwt\n");
        (_environment["AWS_WEB_IDENTITY_TOKEN_FILE"], _environment["AWS_ROLE_ARN"]) = (_directory["token"], "arn:aws:iam::1:role/r");
        _services["POST sts.eu-west-1.amazonaws.com/"] = (_, body) => body.Contains("WebIdentityToken=jwt", StringComparison.Ordinal)
            ? (200, "<R><Credentials><AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken></Credentials></R>")
            : (400, "");
        Assert.Equal("ROLE", (await FindAsync(Ecr))!.Password.Reveal());
    }

    [Fact]
    public async Task Amazon_with_a_container_role_and_with_an_instance_role()
    {
        _environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23/v1/credentials";
        _environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "pod";
        _services["GET 169.254.170.23/v1/credentials"] = (request, _) =>
            request.Header("Authorization") == "pod" ? (200, """{"AccessKeyId":"POD","SecretAccessKey":"s","Token":"t"}""") : (401, "");
        Assert.Equal("POD", (await FindAsync(Ecr))!.Password.Reveal());

        _environment.Clear();
        _services["PUT 169.254.169.254/latest/api/token"] = (_, _) => (200, "imds");
        _services["GET 169.254.169.254/latest/meta-data/iam/security-credentials/"] = (_, _) => (200, "builder");
        _services["GET 169.254.169.254/latest/meta-data/iam/security-credentials/builder"] = (request, _) =>
            request.Header("X-aws-ec2-metadata-token") == "imds" ? (200, """{"AccessKeyId":"EC2","SecretAccessKey":"s","Token":"t"}""") : (401, "");
        Assert.Equal("EC2", (await FindAsync(Ecr))!.Password.Reveal());
    }

    [Fact]
    public async Task The_container_address_must_be_the_platforms()
    {
        _environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://evil.org/credentials";
        Assert.Equal(ErrorCode.InvalidArgument, (await Assert.ThrowsAsync<KimgException>(() => FindAsync(Ecr))).Code);
        Assert.Empty(_calls);
    }

    [Fact]
    public async Task A_refusal_names_the_service_and_its_code_but_no_secret()
    {
        (_environment["AWS_ACCESS_KEY_ID"], _environment["AWS_SECRET_ACCESS_KEY"]) = ("AKID", "hunter2");
        _services["POST api.ecr.eu-west-1.amazonaws.com/"] = (_, _) => (403, """{"__type":"AccessDeniedException","message":"AKID hunter2"}""");
        var e = await Assert.ThrowsAsync<KimgException>(() => FindAsync(Ecr));
        Assert.Equal(ErrorCode.AuthenticationFailed, e.Code);
        Assert.Equal("AWS (GetAuthorizationToken) refused: HTTP 403 (AccessDeniedException)", e.Message);
    }

    [Fact]
    public async Task Google_with_a_service_account()
    {
        using var rsa = RSA.Create(2048);
        string pem = rsa.ExportPkcs8PrivateKeyPem().ReplaceLineEndings("\\n");
        File.WriteAllText(_directory["key.json"], $$"""{"type":"service_account","client_email":"b@p.iam","private_key_id":"k1","private_key":"{{pem}}"}""");
        _environment["GOOGLE_APPLICATION_CREDENTIALS"] = _directory["key.json"];
        _services["POST oauth2.googleapis.com/token"] = (_, body) =>
        {
            string[] parts = Uri.UnescapeDataString(body).Split("assertion=")[1].Split('.');
            using JsonDocument claims = JsonDocument.Parse(FromBase64Url(parts[1]));
            bool valid = rsa.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), FromBase64Url(parts[2]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
                && claims.RootElement.GetProperty("iss").GetString() == "b@p.iam"
                && claims.RootElement.GetProperty("aud").GetString() == "https://oauth2.googleapis.com/token"
                && claims.RootElement.GetProperty("iat").GetInt64() == _time.Now.ToUnixTimeSeconds();
            return valid ? (200, """{"access_token":"ya29"}""") : (400, """{"error":"invalid_grant"}""");
        };
        foreach (string host in new[] { "gcr.io", "eu.gcr.io", "europe-west1-docker.pkg.dev" })
        {
            Credential found = (await FindAsync(host))!;
            Assert.Equal(("oauth2accesstoken", "ya29"), (found.Username, found.Password.Reveal()));
        }
    }

    [Fact]
    public async Task Google_with_a_users_token_and_with_the_machines()
    {
        _services["GET 169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token"] = (request, _) =>
            request.Header("Metadata-Flavor") == "Google" ? (200, """{"access_token":"machine"}""") : (403, "");
        Assert.Equal("machine", (await FindAsync("gcr.io"))!.Password.Reveal());
        File.WriteAllText(_directory["user.json"], """{"type":"authorized_user","client_id":"i","client_secret":"s","refresh_token":"r"}""");
        _environment["GOOGLE_APPLICATION_CREDENTIALS"] = _directory["user.json"];
        _services["POST oauth2.googleapis.com/token"] = (_, body) =>
            body.Contains("refresh_token=r", StringComparison.Ordinal) ? (200, """{"access_token":"user"}""") : (400, "");
        Assert.Equal("user", (await FindAsync("gcr.io"))!.Password.Reveal());
        File.WriteAllText(_directory["user.json"], """{"type":"strange"}""");
        Assert.Equal(ErrorCode.UnsupportedFeature, (await Assert.ThrowsAsync<KimgException>(() => FindAsync("gcr.io"))).Code);
    }

    [Fact]
    public async Task Azure_with_workload_identity_and_with_a_managed_identity()
    {
        _services["POST team.azurecr.io/oauth2/exchange"] = (_, body) =>
            (200, $$"""{"refresh_token":"acr-{{FormText.Parse(body)["access_token"]}}"}""");
        _services["GET 169.254.169.254/metadata/identity/oauth2/token"] = (request, _) =>
            request.Header("Metadata") == "true" ? (200, """{"access_token":"machine"}""") : (400, "");
        Assert.Equal("acr-machine", (await FindAsync("team.azurecr.io"))!.IdentityToken!.Reveal());

        File.WriteAllText(_directory["token"], "jwt");
        (_environment["AZURE_CLIENT_ID"], _environment["AZURE_TENANT_ID"]) = ("client", "tenant");
        _environment["AZURE_FEDERATED_TOKEN_FILE"] = _directory["token"];
        _services["POST login.microsoftonline.com/tenant/oauth2/v2.0/token"] = (_, body) =>
            FormText.Parse(body) is { } form && form["client_assertion"] == "jwt" && form["scope"] == "https://management.azure.com/.default"
                ? (200, """{"access_token":"entra"}""")
                : (400, "");
        Assert.Equal("acr-entra", (await FindAsync("team.azurecr.io"))!.IdentityToken!.Reveal());
    }

    [Fact]
    public async Task A_machine_of_no_cloud_has_no_credentials_and_that_is_no_error()
    {
        foreach (string host in new[] { Ecr, "gcr.io", "team.azurecr.io" }) Assert.Null(await FindAsync(host));
    }

    private async Task<Credential?> FindAsync(string host) => await CredentialChain.Create(new CredentialOptions
    {
        Environment = _environment.ToFrozenDictionary(),
        Time = _time,
        CloudHandler = () => new ToLocalServer(_server.Url),
        // The services are here, however busy the machine is.
        MetadataPatience = TimeSpan.FromSeconds(30),
    }).FindAsync(host, CancellationToken.None);

    private static string AccessKey(ServerRequest request) => request.Header("Authorization")!.Split('/')[0].Split('=')[1];

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static byte[] FromBase64Url(string text) =>
        Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/') + new string('=', (4 - (text.Length % 4)) % 4));

    private sealed class ToLocalServer(Uri server) : DelegatingHandler(new SocketsHttpHandler())
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Host = request.RequestUri!.Host;
            request.RequestUri = new Uri(server, request.RequestUri.PathAndQuery);
            return base.SendAsync(request, cancellationToken);
        }
    }
}
