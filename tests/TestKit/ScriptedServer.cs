using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Kimg.TestKit;

/// <summary>An HTTP/1.1 server that answers what a test says, also what no sane server would: cut bodies, stalls, lies.</summary>
public sealed class ScriptedServer : IDisposable
{
    private readonly TcpListener _listener;
    private readonly Func<ScriptedRequest, ScriptedAnswer> _script;
    private readonly SslServerAuthenticationOptions? _tls;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<ScriptedRequest> _requests = new();
    private readonly Task _accepting;

    public ScriptedServer(Func<ScriptedRequest, ScriptedAnswer> script, X509Certificate2? certificate = null, bool askForClientCertificate = false)
    {
        _script = script;
        _tls = certificate is null ? null : new SslServerAuthenticationOptions
        {
            ServerCertificate = certificate,
            ClientCertificateRequired = askForClientCertificate,
            RemoteCertificateValidationCallback = (_, shown, _, _) => shown is null || askForClientCertificate,
        };
        _listener = new TcpListener(IPAddress.Loopback, 0);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary><c>127.0.0.1:PORT</c>.</summary>
    public string Host => $"127.0.0.1:{Port}";

    public IReadOnlyList<ScriptedRequest> Requests => [.. _requests];

    /// <summary>The requests as "METHOD /path?query".</summary>
    public IReadOnlyList<string> Lines => [.. _requests.Select(r => $"{r.Method} {r.Path}")];

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        _accepting.Wait(TimeSpan.FromSeconds(10));
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true) connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception e) when (_stop.IsCancellationRequested && e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // Stopped: between two connections the listener says "not listening".
            await Task.WhenAll(connections);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using (client)
            {
                client.NoDelay = true;
                Stream stream = client.GetStream();
                X509Certificate? clientCertificate = null;
                if (_tls is not null)
                {
                    var tls = new SslStream(stream);
                    await tls.AuthenticateAsServerAsync(_tls, _stop.Token);
                    clientCertificate = tls.RemoteCertificate;
                    stream = tls;
                }

                while (await ReadAsync(stream, clientCertificate) is { } request)
                {
                    _requests.Enqueue(request);
                    if (!await AnswerAsync(stream, request, _script(request), client)) break;
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or System.Security.Authentication.AuthenticationException)
        {
            // The client went away, or the server is being stopped.
        }
    }

    private async Task<ScriptedRequest?> ReadAsync(Stream stream, X509Certificate? clientCertificate)
    {
        string? first = await LineAsync(stream);
        if (string.IsNullOrEmpty(first)) return null;
        string[] parts = first.Split(' ');
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        while (await LineAsync(stream) is { Length: > 0 } line)
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0) headers[line[..colon]] = line[(colon + 1)..].Trim();
        }

        if (headers.GetValueOrDefault("Expect") == "100-continue") await stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), _stop.Token);
        byte[] body = new byte[int.Parse(headers.GetValueOrDefault("Content-Length", "0"), CultureInfo.InvariantCulture)];
        await stream.ReadExactlyAsync(body, _stop.Token);
        return new ScriptedRequest(parts[0], parts.Length > 1 ? parts[1] : "", headers, body) { ClientCertificate = clientCertificate?.Subject };
    }

    private async Task<string?> LineAsync(Stream stream)
    {
        var line = new StringBuilder();
        byte[] one = new byte[1];
        while (await stream.ReadAsync(one, _stop.Token) == 1)
        {
            // A TLS client: any server hangs up on that.
            if (line.Length == 0 && one[0] == 0x16) return null;
            if (one[0] == '\n') return line.ToString().TrimEnd('\r');
            line.Append((char)one[0]);
        }

        return null;
    }

    private async Task<bool> AnswerAsync(Stream stream, ScriptedRequest request, ScriptedAnswer answer, TcpClient client)
    {
        if (answer.Status == 0)
        {
            client.LingerState = new LingerOption(true, 0);
            return false;
        }

        var head = new StringBuilder($"HTTP/1.1 {answer.Status} {answer.Reason}\r\n");
        foreach ((string name, string value) in answer.Headers) head.Append($"{name}: {value}\r\n");
        if (answer.Chunked) head.Append("Transfer-Encoding: chunked\r\n");
        else if (!answer.Headers.Any(h => h.Name == "Content-Length")) head.Append($"Content-Length: {answer.Body.Length}\r\n");
        head.Append("\r\n");
        await stream.WriteAsync(Encoding.Latin1.GetBytes(head.ToString()), _stop.Token);
        if (request.Method == "HEAD") return true;
        byte[] body = answer.CutAfter is { } cut ? answer.Body[..cut] : answer.Body;
        if (answer.Chunked)
        {
            foreach (byte[] piece in body.Chunk(1000))
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"{piece.Length:x}\r\n"), _stop.Token);
                await stream.WriteAsync(piece, _stop.Token);
                await stream.WriteAsync("\r\n"u8.ToArray(), _stop.Token);
            }

            if (answer.CutAfter is null) await stream.WriteAsync("0\r\n\r\n"u8.ToArray(), _stop.Token);
        }
        else
        {
            await stream.WriteAsync(body, _stop.Token);
        }

        await stream.FlushAsync(_stop.Token);
        if (answer.ThenStall) await Task.Delay(Timeout.Infinite, _stop.Token);
        return answer.CutAfter is null;
    }
}

/// <param name="Path">With query.</param>
public sealed record ScriptedRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string? ClientCertificate { get; init; }

    public string? Authorization => Headers.GetValueOrDefault("Authorization");

    public string Text => Encoding.UTF8.GetString(Body);
}

public sealed record ScriptedAnswer(int Status, byte[] Body, params (string Name, string Value)[] Headers)
{
    public ScriptedAnswer(int status, string body = "", params (string Name, string Value)[] headers)
        : this(status, Encoding.UTF8.GetBytes(body), headers)
    {
    }

    /// <summary>The connection is reset instead of an answer.</summary>
    public static ScriptedAnswer Reset { get; } = new(0);

    public string Reason { get; init; } = "Scripted";

    public bool Chunked { get; init; }

    /// <summary>The connection ends after so many bytes of the body.</summary>
    public int? CutAfter { get; init; }

    /// <summary>Nothing more is sent, but the connection stays.</summary>
    public bool ThenStall { get; init; }
}
