using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Cache;

/// <summary>Who asks Azure's blob storage: a shared key, a shared access signature in the address, an application (secret or federated token), or the managed identity
/// of the machine.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Reliability", "CA1001", Justification = "a semaphore without a wait handle holds nothing")]
internal sealed class AzureAuthorization(AzureBlobCache cache, CacheHttp http, Func<string, string?> environment)
{
    private const string Version = "2021-12-02", Resource = "https://storage.azure.com/";
    private const int MaxAnswer = 1 << 20;

    private readonly SemaphoreSlim _gate = new(1);
    private (string Token, DateTimeOffset Expires)? _token;

    public async Task AuthorizeAsync(HttpRequestMessage message, CancellationToken cancellationToken)
    {
        message.Headers.TryAddWithoutValidation("x-ms-version", Version);
        message.Headers.TryAddWithoutValidation("x-ms-date", http.Options.Time.GetUtcNow().ToString("r", CultureInfo.InvariantCulture));
        if (cache.AccountUrl.Query.Contains("sig=", StringComparison.Ordinal)) return;
        Secret? shared = cache.SecretAccessKey ?? (Variable("AZURE_STORAGE_KEY") is { } key ? new Secret(key) : null);
        if (shared is not null) Sign(message, Account(), shared);
        else message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await TokenAsync(cancellationToken));
    }

    // learn.microsoft.com, "Authorize with Shared Key".
    private static void Sign(HttpRequestMessage message, string account, Secret key)
    {
        HttpContentHeaders? content = message.Content?.Headers;
        string length = content?.ContentLength is > 0 and var bytes ? bytes.ToString(CultureInfo.InvariantCulture) : "";
        string range = message.Headers.TryGetValues("Range", out IEnumerable<string>? ranges) ? ranges.First() : "";
        IEnumerable<string> headers = message.Headers.Select(h => (Name: h.Key.ToLowerInvariant(), Value: string.Join(',', h.Value)))
            .Where(h => h.Name.StartsWith("x-ms-", StringComparison.Ordinal)).OrderBy(h => h.Name, StringComparer.Ordinal).Select(h => $"{h.Name}:{h.Value}\n");
        Uri uri = message.RequestUri!;
        IEnumerable<string> query = uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2))
            .OrderBy(pair => pair[0], StringComparer.Ordinal).Select(pair => $"\n{Uri.UnescapeDataString(pair[0]).ToLowerInvariant()}:{Uri.UnescapeDataString(pair.ElementAtOrDefault(1) ?? "")}");
        string toSign = $"{message.Method.Method}\n\n\n{length}\n\n{content?.ContentType}\n\n\n\n\n\n{range}\n{string.Concat(headers)}/{account}{uri.AbsolutePath}{string.Concat(query)}";
        byte[] secret;
        try
        {
            secret = Convert.FromBase64String(key.Reveal());
        }
        catch (FormatException)
        {
            throw new KimgException(ErrorCode.AuthenticationFailed, "the key of the storage account is not base64") { Hint = "az storage account keys list shows it" };
        }

        message.Headers.TryAddWithoutValidation("Authorization", $"SharedKey {account}:{Convert.ToBase64String(HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(toSign)))}");
    }

    // The first label of the host; the first part of the path where the host is an address (emulators).
    private string Account() => cache.AccountUrl.HostNameType == UriHostNameType.Dns && cache.AccountUrl.Host != "localhost"
        ? cache.AccountUrl.Host.Split('.')[0]
        : cache.AccountUrl.AbsolutePath.Trim('/').Split('/')[0];

    private async Task<string> TokenAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            DateTimeOffset now = http.Options.Time.GetUtcNow();
            if (_token is { } known && known.Expires > now) return known.Token;
            (int status, byte[] body) = await http.ReadAsync(await TokenRequestAsync(cancellationToken), MaxAnswer, cancellationToken);
            using var document = JsonDocument.Parse(body);
            JsonElement root = document.RootElement;
            if (!root.TryGetProperty("access_token", out JsonElement token) || token.GetString() is not { Length: > 0 } text)
                throw new KimgException(ErrorCode.AuthenticationFailed, $"no token for '{cache.AccountUrl.Host}' (answer {status})");
            long seconds = root.TryGetProperty("expires_in", out JsonElement expires)
                && long.TryParse(expires.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out long parsed) ? parsed : 600;
            _token = (text, now.AddSeconds(Math.Max(60, seconds - 300)));
            return text;
        }
        catch (JsonException e)
        {
            throw new KimgException(ErrorCode.AuthenticationFailed, "the token service's answer is no JSON", e);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<CacheRequest> TokenRequestAsync(CancellationToken cancellationToken)
    {
        string? tenant = Variable("AZURE_TENANT_ID"), client = Variable("AZURE_CLIENT_ID"), secret = Variable("AZURE_CLIENT_SECRET");
        string? file = Variable("AZURE_FEDERATED_TOKEN_FILE");
        if (tenant is not null && client is not null && (secret ?? file) is not null)
        {
            string authority = (Variable("AZURE_AUTHORITY_HOST") ?? "https://login.microsoftonline.com/").TrimEnd('/');
            string proof = secret is not null ? "client_secret=" + Uri.EscapeDataString(secret)
                : "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion="
                    + Uri.EscapeDataString((await File.ReadAllTextAsync(file!, cancellationToken)).Trim());
            string form = $"grant_type=client_credentials&client_id={Uri.EscapeDataString(client)}&scope={Uri.EscapeDataString(Resource + ".default")}&{proof}";
            return new CacheRequest(HttpMethod.Post, new Uri($"{authority}/{tenant}/oauth2/v2.0/token"), "a token of Microsoft Entra")
            {
                Body = RequestBody.Of("application/x-www-form-urlencoded", Encoding.UTF8.GetBytes(form)),
            };
        }

        string query = $"api-version=2018-02-01&resource={Uri.EscapeDataString(Resource)}" + (client is null ? "" : "&client_id=" + Uri.EscapeDataString(client));
        string host = (Variable("AZURE_POD_IDENTITY_AUTHORITY_HOST") ?? "http://169.254.169.254").TrimEnd('/');
        return new CacheRequest(HttpMethod.Get, new Uri($"{host}/metadata/identity/oauth2/token?{query}"), "a token of the managed identity")
        {
            Headers = new Dictionary<string, string> { ["Metadata"] = "true" }, Attempts = 1, Patience = TimeSpan.FromSeconds(5),
        };
    }

    private string? Variable(string name) => environment(name) is { Length: > 0 } value ? value : null;
}
