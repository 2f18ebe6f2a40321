using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Cache;

/// <summary>Signature Version 4 of AWS, in the Authorization header (docs.aws.amazon.com, "Create a signed AWS API request").</summary>
internal sealed record AwsSignature(AwsCredentials Credentials, string Region, string Service, TimeProvider Time)
{
    private const string Algorithm = "AWS4-HMAC-SHA256";

    /// <summary>Signs host, date, payload and every x-amz header that is there already.</summary>
    /// <param name="payload">SHA-256 of the body.</param>
    public void Sign(HttpRequestMessage request, Digest payload)
    {
        DateTime now = Time.GetUtcNow().UtcDateTime;
        string stamp = now.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture), day = stamp[..8];
        request.Headers.Remove("x-amz-date");
        request.Headers.TryAddWithoutValidation("x-amz-date", stamp);
        if (Service == "s3") request.Headers.TryAddWithoutValidation("x-amz-content-sha256", payload.Hex);
        if (Credentials.SessionToken is { } token) request.Headers.TryAddWithoutValidation("x-amz-security-token", token.Reveal());

        Uri uri = request.RequestUri!;
        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["host"] = uri.IsDefaultPort ? uri.IdnHost : $"{uri.IdnHost}:{uri.Port}" };
        foreach ((string name, IEnumerable<string> values) in request.Headers)
        {
            string lower = name.ToLowerInvariant();
            if (lower.StartsWith("x-amz-", StringComparison.Ordinal)) headers[lower] = string.Join(',', values).Trim();
        }

        string signed = string.Join(';', headers.Keys);
        string canonical = string.Join('\n',
            request.Method.Method, uri.AbsolutePath, Query(uri), string.Concat(headers.Select(h => $"{h.Key}:{h.Value}\n")), signed, payload.Hex);
        string scope = $"{day}/{Region}/{Service}/aws4_request";
        string toSign = string.Join('\n', Algorithm, stamp, scope, Digest.Sha256(canonical).Hex);
        byte[] key = Hmac(Encoding.UTF8.GetBytes("AWS4" + Credentials.SecretAccessKey.Reveal()), day);
        key = Hmac(Hmac(Hmac(key, Region), Service), "aws4_request");
        string signature = Convert.ToHexStringLower(Hmac(key, toSign));
        request.Headers.Remove("Authorization");
        request.Headers.TryAddWithoutValidation(
            "Authorization", $"{Algorithm} Credential={Credentials.AccessKeyId}/{scope}, SignedHeaders={signed}, Signature={signature}");
    }

    private static byte[] Hmac(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

    // Sorted by name, each as name=value; the address holds them encoded already.
    private static string Query(Uri uri) => string.Join('&', uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries)
        .Select(pair => pair.Contains('=') ? pair : pair + "=").Order(StringComparer.Ordinal));
}

/// <param name="Expires">null: never.</param>
internal sealed record AwsCredentials(string AccessKeyId, Secret SecretAccessKey, Secret? SessionToken, DateTimeOffset? Expires);
