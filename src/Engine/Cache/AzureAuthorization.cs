using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry.Credentials;

namespace Kimg.Engine.Cache;

/// <summary>Who asks Azure's blob storage: a shared key, a shared access signature in the address, an application (secret or federated token), or the managed identity
/// of the machine.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Reliability", "CA1001", Justification = "a semaphore without a wait handle holds nothing")]
internal sealed class AzureAuthorization(AzureBlobCache cache, CacheHttp http, CredentialOptions options)
{
    private const string Version = "2021-12-02", Resource = "https://storage.azure.com/";
    // A token is valid for an hour or more.
    private static readonly TimeSpan s_fresh = TimeSpan.FromMinutes(10);

    private readonly SemaphoreSlim _gate = new(1);
    private string? _token;
    private DateTimeOffset _since;

    public async Task AuthorizeAsync(HttpRequestMessage message, CancellationToken cancellationToken)
    {
        message.Headers.TryAddWithoutValidation("x-ms-version", Version);
        message.Headers.TryAddWithoutValidation("x-ms-date", http.Options.Time.GetUtcNow().ToString("r", CultureInfo.InvariantCulture));
        if (cache.AccountUrl.Query.Contains("sig=", StringComparison.Ordinal)) return;
        Secret? shared = cache.SecretAccessKey ?? (options.Variable("AZURE_STORAGE_KEY") is { } key ? new Secret(key) : null);
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

    // The first label of the host; the first part of the path where the host is an address (emulators). A custom domain says nothing of it.
    private string Account() => cache.AccountName is { } name ? name
        : cache.AccountUrl.HostNameType == UriHostNameType.Dns && cache.AccountUrl.Host != "localhost"
        ? cache.AccountUrl.Host.Split('.')[0]
        : cache.AccountUrl.AbsolutePath.Trim('/').Split('/')[0];

    private async Task<string> TokenAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            DateTimeOffset now = http.Options.Time.GetUtcNow();
            if (_token is { } known && now - _since < s_fresh) return known;
            _since = now;
            if (await new AzureTokens(options, new CloudHttp(options)).FindAsync(Resource, "https://login.microsoftonline.com/", cancellationToken) is not var (token, _))
            {
                throw new KimgException(ErrorCode.AuthenticationFailed, $"no credentials for '{cache.AccountUrl.Host}'")
                {
                    Hint = "set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or give the job an identity",
                };
            }

            return _token = token;
        }
        finally
        {
            _gate.Release();
        }
    }
}
