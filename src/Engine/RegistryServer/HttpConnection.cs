using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Kimg.Engine.RegistryServer;

/// <summary>HTTP/1.1 on one connection: requests one after the other, with everything bounded that a client could make big.</summary>
internal sealed class HttpConnection(Stream stream, TimeProvider time, CancellationToken stopping) : IDisposable
{
    private const int MaxLine = 16 * 1024, MaxHeaders = 100, MaxDrain = 64 << 20;
    private readonly HttpReader _reader = new(stream, stopping);
    private readonly byte[] _buffer = new byte[128 * 1024];

    public async Task RunAsync(Func<ServerRequest, Task<ServerResponse>> handle)
    {
        for (bool keepAlive = true; keepAlive;)
        {
            ServerRequest? request;
            try
            {
                request = await ReadHeadAsync();
            }
            catch (RequestFault fault)
            {
                using ServerResponse refusal = fault.ToResponse();
                await WriteAsync(refusal, head: false, keepAlive: false);
                return;
            }

            if (request is null) return;
            using ServerResponse response = await handle(request);
            var body = (RequestBody)request.Body;
            keepAlive = !string.Equals(request.Header("Connection"), "close", StringComparison.OrdinalIgnoreCase) && !body.IsAwaited && !body.IsBroken;
            await WriteAsync(response, request.IsHead, keepAlive);

            // An answer to a client that is still sending is lost when the connection is closed under it; so the rest is read, within reason.
            if (!body.IsConsumed && !body.IsAwaited && !body.IsBroken) keepAlive &= await DrainAsync(body);
        }
    }

    public void Dispose() => _reader.Dispose();

    private async Task<ServerRequest?> ReadHeadAsync()
    {
        string? line;
        do line = await _reader.ReadLineAsync(MaxLine);
        while (line is "");
        if (line is null) return null;
        if (line.Split(' ') is not [var method, var target, "HTTP/1.1" or "HTTP/1.0"]) throw RequestFault.Invalid("UNSUPPORTED", "not an HTTP/1.1 request");
        FrozenDictionary<string, string> headers = await ReadHeadersAsync();
        long? length = BodyLength(headers);
        bool waits = headers.TryGetValue("Expect", out string? expect) && expect.Equals("100-continue", StringComparison.OrdinalIgnoreCase);
        if (target.StartsWith("http", StringComparison.OrdinalIgnoreCase) && Uri.TryCreate(target, UriKind.Absolute, out Uri? absolute))
            target = absolute.PathAndQuery;
        int question = target.IndexOf('?', StringComparison.Ordinal);
        return new ServerRequest
        {
            Method = method,
            Path = Uri.UnescapeDataString(question < 0 ? target : target[..question]),
            Query = FormText.Parse(question < 0 ? "" : target[(question + 1)..]),
            Headers = headers,
            Body = new RequestBody(_reader, length, waits ? AskToContinueAsync : null),
            ContentLength = length,
        };
    }

    private async Task<FrozenDictionary<string, string>> ReadHeadersAsync()
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        for (int count = 0; await _reader.ReadLineAsync(MaxLine) is { Length: > 0 } line; count++)
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || line[0] is ' ' or '\t' || line[colon - 1] is ' ' or '\t') throw RequestFault.Invalid("UNSUPPORTED", "a header is malformed");
            if (count == MaxHeaders) throw new RequestFault(431, "UNSUPPORTED", "too many headers");
            (string name, string value) = (line[..colon], line[(colon + 1)..].Trim());
            headers[name] = headers.TryGetValue(name, out string? before) ? $"{before}, {value}" : value;
        }

        return headers.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Bytes of the body; null when chunked. A request that says both is refused: proxies would disagree where it ends.</summary>
    private static long? BodyLength(FrozenDictionary<string, string> headers)
    {
        bool chunked = headers.TryGetValue("Transfer-Encoding", out string? encoding);
        bool sized = headers.TryGetValue("Content-Length", out string? text);
        if (chunked && (sized || !encoding!.Equals("chunked", StringComparison.OrdinalIgnoreCase)))
            throw RequestFault.Invalid("UNSUPPORTED", "the request's length is ambiguous");
        if (chunked) return null;
        if (!sized) return 0;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long length)
            ? length
            : throw RequestFault.Invalid("UNSUPPORTED", "the request's length is not a number");
    }

    private async Task AskToContinueAsync() => await stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), stopping);

    private async Task<bool> DrainAsync(RequestBody body)
    {
        for (long drained = 0; drained < MaxDrain;)
        {
            int read = await body.ReadAsync(_buffer, stopping);
            if (read == 0) return true;
            drained += read;
        }

        return false;
    }

    private async Task WriteAsync(ServerResponse response, bool head, bool keepAlive)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {response.Status} {Reason(response.Status)}\r\n");
        text.Append(CultureInfo.InvariantCulture, $"Date: {time.GetUtcNow():R}\r\nDocker-Distribution-Api-Version: registry/2.0\r\n");
        foreach ((string name, string value) in response.Headers)
            text.Append(CultureInfo.InvariantCulture, $"{name}: {value.ReplaceLineEndings(" ")}\r\n");
        if (response.Status != 204) text.Append(CultureInfo.InvariantCulture, $"Content-Length: {response.Length}\r\n");
        if (!keepAlive) text.Append("Connection: close\r\n");
        text.Append("\r\n");
        int filled = Encoding.Latin1.GetBytes(text.ToString(), _buffer);
        long left = head || response.Body is null ? 0 : response.Length;
        while (left > 0)
        {
            int read = await response.Body!.ReadAsync(_buffer.AsMemory(filled, (int)Math.Min(_buffer.Length - filled, left)), stopping);
            if (read == 0) throw new EndOfStreamException("a body was shorter than announced");
            await stream.WriteAsync(_buffer.AsMemory(0, filled + read), stopping);
            (filled, left) = (0, left - read);
        }

        if (filled > 0) await stream.WriteAsync(_buffer.AsMemory(0, filled), stopping);
        await stream.FlushAsync(stopping);
    }

    private static string Reason(int status) => status switch
    {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        507 => "Insufficient Storage",
        _ => "Status",
    };
}
