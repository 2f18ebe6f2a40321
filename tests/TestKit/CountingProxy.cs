using System.Net;
using System.Net.Sockets;

namespace Kimg.TestKit;

/// <summary>Stands between a client and an http server on loopback, and counts what passes.</summary>
public sealed class CountingProxy : IAsyncDisposable
{
    private static readonly string[] Methods = ["GET ", "HEAD ", "PUT ", "POST ", "PATCH ", "DELETE "];

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly IPEndPoint _server;
    private Task _serving = Task.CompletedTask;
    private long _requests, _bytes, _sent;

    private CountingProxy(string server) => _server = IPEndPoint.Parse(server);

    public string Host => _listener.LocalEndpoint.ToString()!;

    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Both ways, headers included.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>From the client to the server.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    public static CountingProxy Start(string server)
    {
        CountingProxy proxy = new(server);
        proxy._listener.Start();
        proxy._serving = proxy.ServeAsync();
        return proxy;
    }

    public void Reset() => (_requests, _bytes, _sent) = (0, 0, 0);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _serving;
        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        List<Task> connections = [];
        try
        {
            while (true)
                connections.Add(ForwardAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ForwardAsync(TcpClient client)
    {
        using TcpClient _ = client;
        using TcpClient server = new();
        try
        {
            await server.ConnectAsync(_server, _stop.Token);
            await Task.WhenAny(PumpAsync(client.GetStream(), server.GetStream(), fromClient: true), PumpAsync(server.GetStream(), client.GetStream(), fromClient: false));
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // Either side hung up: the other is closed with it.
            client.Close();
        }
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to, bool fromClient)
    {
        byte[] buffer = new byte[1 << 16];
        while (await from.ReadAsync(buffer, _stop.Token) is > 0 and int read)
        {
            Interlocked.Add(ref _bytes, read);
            if (fromClient) Interlocked.Add(ref _sent, read);
            // Clients here do not pipeline: a request begins a segment of its own.
            if (fromClient && Methods.Any(m => buffer.AsSpan(0, read).StartsWith(System.Text.Encoding.ASCII.GetBytes(m))))
                Interlocked.Increment(ref _requests);
            await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
        }
    }
}
