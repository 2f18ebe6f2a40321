using System.Net;
using System.Text;
using System.Text.Json;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry.Credentials;

/// <summary>Requests to cloud services (https, the ordinary patience) and to metadata services of the machine (link-local, little patience, and no answer is
/// simply "not on this cloud").</summary>
internal sealed class CloudHttp(CredentialOptions options)
{
    private const int MaxAnswer = 1 << 20;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private readonly Lazy<HttpClient> _service = new(() => Client(options, metadata: false));
    private readonly Lazy<HttpClient> _metadata = new(() => Client(options, metadata: true));

    /// <summary>The body of a successful answer.</summary>
    /// <param name="what">For messages: "AWS (GetAuthorizationToken)".</param>
    /// <exception cref="KimgException">AuthenticationFailed with the service's own error code; RegistryUnreachable.</exception>
    public async Task<string> CallAsync(HttpRequestMessage request, string what, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_patience);
        try
        {
            (HttpStatusCode status, string body) = await SendAsync(_service.Value, request, limit.Token);
            return (int)status is >= 200 and < 300
                ? body
                : throw new KimgException(ErrorCode.AuthenticationFailed, $"{what} refused: HTTP {(int)status}{Reason(body)}")
                {
                    Hint = "check the identity this machine or job runs with, and its permissions on the registry",
                };
        }
        catch (Exception e) when (e is HttpRequestException or IOException
                                  || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new KimgException(ErrorCode.RegistryUnreachable, $"{what} cannot be reached at '{request.RequestUri!.Host}'", e);
        }
    }

    /// <summary>Null when there is no such service here or it has nothing for us.</summary>
    public async Task<string?> AskMachineAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.MetadataPatience);
        try
        {
            (HttpStatusCode status, string body) = await SendAsync(_metadata.Value, request, limit.Token);
            return status == HttpStatusCode.OK ? body : null;
        }
        catch (Exception e) when (e is HttpRequestException or IOException
                                  || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }

    /// <summary>A string member of a JSON answer.</summary>
    /// <exception cref="KimgException">AuthenticationFailed when it is not there.</exception>
    public static string Member(string json, string what, params ReadOnlySpan<string> path) => TryMember(json, path)
        ?? throw new KimgException(ErrorCode.AuthenticationFailed, $"{what} gave an answer without '{string.Join('.', path.ToArray())}'");

    public static string? TryMember(string json, params ReadOnlySpan<string> path)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            JsonElement element = document.RootElement;
            foreach (string name in path)
            {
                if (element.ValueKind == JsonValueKind.Array && element.GetArrayLength() > 0) element = element[0];
                if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element)) return null;
            }

            return element.ValueKind == JsonValueKind.String ? element.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>A file that the platform mounts (a projected token).</summary>
    public static async Task<string> ReadFileAsync(string path, string variable, CancellationToken cancellationToken)
    {
        try
        {
            return (await File.ReadAllTextAsync(path, cancellationToken)).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new KimgException(ErrorCode.InvalidConfigurationFile, $"cannot read '{path}', which {variable} names", e);
        }
    }

    private static HttpClient Client(CredentialOptions options, bool metadata) => new(options.CloudHandler?.Invoke() ?? new SocketsHttpHandler
    {
        AllowAutoRedirect = false, UseProxy = !metadata, ConnectTimeout = metadata ? options.MetadataPatience : s_patience,
    });

    private static async Task<(HttpStatusCode Status, string Body)> SendAsync(HttpClient client, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await using Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var bytes = new MemoryStream();
        var buffer = new byte[8192];
        while (bytes.Length < MaxAnswer && await stream.ReadAsync(buffer, cancellationToken) is > 0 and var read) bytes.Write(buffer, 0, read);
        return (response.StatusCode, Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
    }

    // Only the short code of the error: descriptions may quote what was sent.
    private static string Reason(string body)
    {
        string? code = TryMember(body, "error") ?? TryMember(body, "__type") ?? TryMember(body, "error", "status")
            ?? TryMember(body, "errors", "code") ?? AwsCredentials.Tag(body, "Code");
        return code is { Length: > 0 and < 200 } && !code.AsSpan().ContainsAny('\r', '\n') ? $" ({code})" : "";
    }
}
