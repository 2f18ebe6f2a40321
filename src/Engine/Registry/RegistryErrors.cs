using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using System.Text.Json;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>What a registry answered, or that it did not, as the one error type. What the registry says itself is always shown.</summary>
internal static class RegistryErrors
{
    private const int MaxShown = 1000;

    public static async Task<KimgException> FromResponseAsync(
        RegistryRequest request, RegistryEndpoint endpoint, HttpResponseMessage response, Authorizer authorizer, CancellationToken cancellationToken)
    {
        string said = await BodyTextAsync(response, cancellationToken);
        string host = endpoint.Base.Authority, status = Status(response);
        Uri? from = response.RequestMessage?.RequestUri;
        // A storage host behind the registry has its own reasons, which the registry's credentials do not touch.
        bool elsewhere = from is not null && !HttpExchange.SameOrigin(from, endpoint.Base);
        string answered = $"{request.What}: registry '{host}'{(elsewhere ? $" redirected to '{from!.Authority}', which" : "")} answered {status}{said}";
        if (elsewhere && response.StatusCode is not HttpStatusCode.NotFound)
        {
            return new KimgException(response.IsSuccessStatusCode ? ErrorCode.InvalidManifest : ErrorCode.DownloadFailed, answered)
            {
                Hint = $"check that '{from!.Authority}' is reachable through the firewall and proxy in use",
            };
        }

        // distribution-spec, "Error Codes", code-5. Registries send it with 400 or 404.
        if (request.Method == HttpMethod.Put && said.Contains("MANIFEST_BLOB_UNKNOWN", StringComparison.Ordinal))
        {
            return new KimgException(ErrorCode.ContentMissing, answered)
            {
                Hint = "it was deleted there, or never pushed to this repository: push it, or the image it belongs to, again",
            };
        }

        return response.StatusCode switch
        {
            HttpStatusCode.Unauthorized => new KimgException(ErrorCode.AuthenticationFailed, $"{answered} (tried {authorizer.Describe(endpoint)})")
            {
                Hint = authorizer.HasCredential(endpoint)
                    ? $"check that they are current: kimg login {endpoint.CredentialHost}"
                    : $"log in first: kimg login {endpoint.CredentialHost}; or the repository does not exist",
            },
            HttpStatusCode.Forbidden => new KimgException(ErrorCode.AccessDenied, $"{answered} (tried {authorizer.Describe(endpoint)})")
            {
                Hint = $"check that the account may {(IsWrite(request.Method) ? "write to" : "read from")} '{request.Repository}'",
            },
            HttpStatusCode.NotFound when request.Method == HttpMethod.Post || request.Method == HttpMethod.Put => new KimgException(
                ErrorCode.RegistryRefused, answered)
            {
                Hint = "create the repository first, if this registry does not do it on a push",
            },
            HttpStatusCode.NotFound => new KimgException(ErrorCode.ImageNotFound, answered) { Hint = "check the name and the tag" },
            HttpStatusCode.TooManyRequests => new KimgException(ErrorCode.TooManyRequests, answered)
            {
                Hint = authorizer.HasCredential(endpoint)
                    ? "wait, or use a mirror"
                    : $"wait, use a mirror, or log in for a higher limit: kimg login {endpoint.CredentialHost}",
            },
            >= HttpStatusCode.InternalServerError => new KimgException(ErrorCode.RegistryUnreachable, answered) { Hint = "try again later" },
            _ => new KimgException(ErrorCode.RegistryRefused, answered),
        };
    }

    public static KimgException FromFailure(RegistryRequest request, RegistryEndpoint endpoint, Exception failure)
    {
        string host = endpoint.Base.Authority;
        if (failure is HttpRequestException { StatusCode: { } status })
        {
            // A token service's answer, worded where it was read.
            return new KimgException(
                status == HttpStatusCode.TooManyRequests ? ErrorCode.TooManyRequests : ErrorCode.RegistryUnreachable,
                $"{request.What}: {failure.Message}", failure) { Hint = "try again later" };
        }

        string why = Why(failure);
        if (failure is HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } && failure.InnerException is AuthenticationException)
        {
            return new KimgException(ErrorCode.TlsFailed, $"{request.What}: no secure connection to '{host}': {why}", failure)
            {
                Hint = "give its authority's certificate with --registry-certificate, or, for tests only, name the registry in --registry-insecure",
            };
        }

        return new KimgException(ErrorCode.RegistryUnreachable, $"{request.What}: registry '{host}' cannot be reached: {why}", failure)
        {
            Hint = failure is HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError }
                ? "if it speaks plain http, name it in --registry-insecure"
                : "check the registry's name, the network and the proxy settings",
        };
    }

    public static KimgException CircuitOpen(RegistryRequest request, RegistryEndpoint endpoint) =>
        new(ErrorCode.RegistryUnreachable, $"{request.What}: registry '{endpoint.Base.Authority}' failed too often in a row and is left alone for a while")
        {
            Hint = "the first error tells why; try again later",
        };

    public static string Status(HttpResponseMessage response) => $"{(int)response.StatusCode} {OneLine.Of(response.ReasonPhrase ?? "", 60)}".Trim();

    /// <summary>": CODE: message; …" or the beginning of a body that is not the specified JSON; "" when there is nothing to show.</summary>
    public static async Task<string> BodyTextAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        byte[] bytes;
        try
        {
            await using Stream body = await response.Content.ReadAsStreamAsync(cancellationToken);
            bytes = await BoundedBody.ReadUpToAsync(body, BoundedBody.Error, cancellationToken);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            return "";
        }

        string text = Entries(bytes) ?? (IsText(response) ? Encoding.UTF8.GetString(bytes) : "");
        text = OneLine.Of(text, MaxShown);
        return text.Length == 0 ? "" : ": " + text;
    }

    private static string? Entries(byte[] bytes)
    {
        try
        {
            ErrorEntry?[]? errors = JsonSerializer.Deserialize(bytes, RegistryJson.Default.ErrorAnswer)?.Errors;
            if (errors is null or []) return null;
            return string.Join("; ", errors.OfType<ErrorEntry>().Select(e => string.Join(": ", Parts(e).Where(p => !string.IsNullOrEmpty(p)))));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static IEnumerable<string?> Parts(ErrorEntry entry)
    {
        yield return entry.Code;
        yield return entry.Message;
        if (entry.Detail is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Undefined) } detail && detail.GetRawText() is { Length: > 2 } raw)
            yield return detail.ValueKind == JsonValueKind.String ? detail.GetString() : raw;
    }

    private static bool IsText(HttpResponseMessage response) =>
        response.Content.Headers.ContentType?.MediaType is null or "text/plain" or "application/json";

    private static bool IsWrite(HttpMethod method) => method != HttpMethod.Get && method != HttpMethod.Head;

    private static string Why(Exception failure)
    {
        Exception inner = failure;
        while (inner is not TimeoutException && inner.InnerException is { } next) inner = next;
        string text = inner is SocketException socket ? socket.SocketErrorCode switch
        {
            SocketError.ConnectionRefused => "connection refused",
            SocketError.HostNotFound => "no such host",
            SocketError.TimedOut => "connection timed out",
            _ => socket.Message,
        } : inner.Message;
        return OneLine.Of(text, 300).TrimEnd('.');
    }
}
