using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Kimg.Engine.Registry.Credentials;

/// <summary>AWS Signature Version 4 (docs.aws.amazon.com, "Create a signed AWS API request").</summary>
internal static class AwsSigner
{
    public static void Sign(HttpRequestMessage request, byte[] body, AwsIdentity identity, string region, string service, DateTimeOffset now) =>
        Sign(request, Hex(SHA256.HashData(body)), identity, region, service, now);

    /// <param name="payload">SHA-256 of the body.</param>
    public static void Sign(HttpRequestMessage request, string payload, AwsIdentity identity, string region, string service, DateTimeOffset now)
    {
        // S3 alone wants to have it said.
        if (service == "s3") request.Headers.TryAddWithoutValidation("x-amz-content-sha256", payload);
        string stamp = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture), day = stamp[..8];
        request.Headers.TryAddWithoutValidation("X-Amz-Date", stamp);
        if (identity.SessionToken is { } token) request.Headers.TryAddWithoutValidation("X-Amz-Security-Token", token.Reveal());
        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["host"] = request.RequestUri!.Authority };
        foreach ((string name, IEnumerable<string> values) in request.Headers.NonValidated.Select(h => (h.Key, (IEnumerable<string>)h.Value))
                     .Concat(request.Content is null ? [] : request.Content.Headers.NonValidated.Select(h => (h.Key, (IEnumerable<string>)h.Value))))
        {
            string lower = name.ToLowerInvariant();
            if (lower is "content-type" || lower.StartsWith("x-amz-", StringComparison.Ordinal)) headers[lower] = string.Join(',', values).Trim();
        }

        string signed = string.Join(';', headers.Keys), scope = $"{day}/{region}/{service}/aws4_request";
        var canonical = new StringBuilder($"{request.Method}\n{request.RequestUri.AbsolutePath}\n{Query(request.RequestUri)}\n");
        foreach ((string name, string value) in headers) canonical.Append(CultureInfo.InvariantCulture, $"{name}:{value}\n");
        canonical.Append(CultureInfo.InvariantCulture, $"\n{signed}\n{payload}");
        string toSign = $"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical.ToString())))}";
        byte[] key = Mac(Mac(Mac(Mac(Encoding.UTF8.GetBytes("AWS4" + identity.SecretKey.Reveal()), day), region), service), "aws4_request");
        request.Headers.TryAddWithoutValidation(
            "Authorization", $"AWS4-HMAC-SHA256 Credential={identity.AccessKey}/{scope}, SignedHeaders={signed}, Signature={Hex(Mac(key, toSign))}");
    }

    // Sorted by name, each as name=value; the address holds them encoded already.
    private static string Query(Uri uri) => string.Join('&', uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries)
        .Select(pair => pair.Contains('=') ? pair : pair + "=").Order(StringComparer.Ordinal));

    private static byte[] Mac(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
