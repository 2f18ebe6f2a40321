using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Kimg.Engine.Registry.Credentials;

/// <summary>AWS Signature Version 4 (docs.aws.amazon.com, "Create a signed AWS API request") for requests to a root path without query.</summary>
internal static class AwsSigner
{
    public static void Sign(HttpRequestMessage request, byte[] body, AwsIdentity identity, string region, string service, DateTimeOffset now)
    {
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
        var canonical = new StringBuilder($"{request.Method}\n{request.RequestUri.AbsolutePath}\n\n");
        foreach ((string name, string value) in headers) canonical.Append(CultureInfo.InvariantCulture, $"{name}:{value}\n");
        canonical.Append(CultureInfo.InvariantCulture, $"\n{signed}\n{Hex(SHA256.HashData(body))}");
        string toSign = $"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical.ToString())))}";
        byte[] key = Mac(Mac(Mac(Mac(Encoding.UTF8.GetBytes("AWS4" + identity.SecretKey.Reveal()), day), region), service), "aws4_request");
        request.Headers.TryAddWithoutValidation(
            "Authorization", $"AWS4-HMAC-SHA256 Credential={identity.AccessKey}/{scope}, SignedHeaders={signed}, Signature={Hex(Mac(key, toSign))}");
    }

    private static byte[] Mac(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
