using System.Net.Sockets;
using Kimg.Engine.Ops;

namespace Kimg.Engine.Build;

/// <summary>A socket made for one step, every connection to which goes on to an ssh agent. The step never sees the agent's own socket.</summary>
internal sealed class AgentForward : IAgentForward
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _stop = new();
    private readonly string _agent;
    private readonly Task _accepting;

    /// <param name="agent">Path of the agent's socket.</param>
    public AgentForward(string directory, string agent)
    {
        _agent = agent;
        Directory.CreateDirectory(directory);
        Path = System.IO.Path.Combine(directory, Guid.NewGuid().ToString("N")[..12]);
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    public string Path { get; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        File.Delete(Path);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true) connections.Add(ForwardAsync(await _listener.AcceptAsync(_stop.Token)));
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ForwardAsync(Socket client)
    {
        using var agent = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await agent.ConnectAsync(new UnixDomainSocketEndPoint(_agent), _stop.Token);
            await using var near = new NetworkStream(client, ownsSocket: true);
            await using var far = new NetworkStream(agent);
            Task up = CopyAsync(near, far, agent), down = CopyAsync(far, near, client);
            await Task.WhenAll(up, down);
        }
        catch (Exception error) when (error is SocketException or IOException or OperationCanceledException)
        {
            // The step sees its connection close; it says so better than we could.
            client.Dispose();
        }
    }

    private async Task CopyAsync(Stream from, Stream to, Socket target)
    {
        await from.CopyToAsync(to, _stop.Token);
        target.Shutdown(SocketShutdown.Send);
    }
}
