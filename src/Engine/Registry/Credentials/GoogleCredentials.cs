using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry.Credentials;

/// <summary>Google's registries (gcr.io, Artifact Registry): an access token of the account that
/// GOOGLE_APPLICATION_CREDENTIALS names, or else of this machine.</summary>
internal sealed partial class GoogleCredentials(CredentialOptions options, CloudHttp http) : ICredentialSource
{
    private const string What = "Google (token)", Scope = "https://www.googleapis.com/auth/cloud-platform";

    public string Name => "Google";

    public async Task<Credential?> FindAsync(string registryHost, CancellationToken cancellationToken)
    {
        if (!RegistryHost().IsMatch(registryHost)) return null;
        string? path = options.Variable("GOOGLE_APPLICATION_CREDENTIALS");
        string? token = path is not null ? await FromFileAsync(path, cancellationToken) : options.CloudMetadata ? await FromMachineAsync(cancellationToken) : null;
        return token is null
            ? null
            : new Credential("oauth2accesstoken", new Secret(token)) { Source = $"{Name} ({path ?? "metadata"})" };
    }

    private async Task<string> FromFileAsync(string path, CancellationToken cancellationToken)
    {
        string json = await CloudHttp.ReadFileAsync(path, "GOOGLE_APPLICATION_CREDENTIALS", cancellationToken);
        string Field(string name) => CloudHttp.TryMember(json, name) ?? throw AuthFile.Invalid(path, $"no '{name}' in it");
        var form = Field("type") switch
        {
            "service_account" => new Dictionary<string, string>
            {
                ["grant_type"] = "urn:ietf:params:oauth:grant-type:jwt-bearer",
                ["assertion"] = Assertion(path, Field("client_email"), Field("private_key_id"), Field("private_key"), TokenUri(path, json)),
            },
            "authorized_user" => new Dictionary<string, string>
            {
                ["grant_type"] = "refresh_token",
                ["client_id"] = Field("client_id"),
                ["client_secret"] = Field("client_secret"),
                ["refresh_token"] = Field("refresh_token"),
            },
            var other => throw new KimgException(ErrorCode.UnsupportedFeature, $"credentials of type '{other}' in '{path}' are not supported")
            {
                Hint = "use a service account's key, the metadata service, or: "
                    + "gcloud auth print-access-token | kimg login -u oauth2accesstoken --password-stdin REGISTRY",
            },
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, TokenUri(path, json)) { Content = new FormUrlEncodedContent(form) };
        return CloudHttp.Member(await http.CallAsync(request, What, cancellationToken), What, "access_token");
    }

    private async Task<string?> FromMachineAsync(CancellationToken cancellationToken)
    {
        // By address: looking up metadata.google.internal elsewhere can take seconds.
        string host = options.Variable("GCE_METADATA_HOST") ?? "169.254.169.254";
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{host}/computeMetadata/v1/instance/service-accounts/default/token");
        request.Headers.TryAddWithoutValidation("Metadata-Flavor", "Google");
        return await http.AskMachineAsync(request, cancellationToken) is { } answer ? CloudHttp.TryMember(answer, "access_token") : null;
    }

    private static string TokenUri(string path, string json)
    {
        string uri = CloudHttp.TryMember(json, "token_uri") ?? "https://oauth2.googleapis.com/token";
        return uri.StartsWith("https://", StringComparison.Ordinal) ? uri : throw AuthFile.Invalid(path, "'token_uri' is not https");
    }

    /// <summary>RFC 7523: a JWT signed with the account's key.</summary>
    private string Assertion(string path, string account, string keyId, string key, string audience)
    {
        using var rsa = RSA.Create();
        try
        {
            rsa.ImportFromPem(key);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            throw AuthFile.Invalid(path, "'private_key' is not an RSA key");
        }

        long now = options.Time.GetUtcNow().ToUnixTimeSeconds();
        string unsigned = Part($$"""{"alg":"RS256","typ":"JWT","kid":"{{Text(keyId)}}"}""") + "." + Part(string.Create(CultureInfo.InvariantCulture,
            $$"""{"iss":"{{Text(account)}}","scope":"{{Scope}}","aud":"{{Text(audience)}}","iat":{{now}},"exp":{{now + 3600}}}"""));
        byte[] signature = rsa.SignData(Encoding.ASCII.GetBytes(unsigned), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{unsigned}.{Base64Url(signature)}";
    }

    private static System.Text.Json.JsonEncodedText Text(string value) => System.Text.Json.JsonEncodedText.Encode(value);

    private static string Part(string json) => Base64Url(Encoding.UTF8.GetBytes(json));

    private static string Base64Url(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    [GeneratedRegex(@"^(([a-z]+\.)?gcr\.io|[a-z0-9-]+-docker\.pkg\.dev)\z", RegexOptions.CultureInvariant)]
    private static partial Regex RegistryHost();
}
