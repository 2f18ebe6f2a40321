using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Kimg.Engine.Content;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.RegistryServer;

/// <summary>The embedded registry: OCI distribution 1.1 over a small HTTP server of its own, with a content store below. Runs from <see cref="Start"/> until it is
/// disposed; what was pushed stays in its directory.</summary>
internal sealed class EmbeddedRegistry : IAsyncDisposable
{
    private readonly RegistryServerOptions _options;
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<Task, byte> _connections = new();
    private readonly ContentStore _content;
    private readonly UploadSessions _uploads;
    private readonly RegistryRouter _router;
    private readonly Task _accepting;

    private EmbeddedRegistry(RegistryServerOptions options)
    {
        _options = options;
        _content = new ContentStore(options.Directory, new ContentStoreOptions { Time = options.Time });
        _uploads = new UploadSessions(_content, options.Time);
        _listener = new TcpListener(options.Endpoint);
        try
        {
            _listener.Start(512);
        }
        catch (SocketException e)
        {
            _content.Dispose();
            throw new KimgException(ErrorCode.InvalidArgument, $"cannot listen on '{options.Endpoint}': {e.SocketErrorCode}", e)
            {
                Hint = "another program may use this port; port 0 takes a free one",
            };
        }

        var bound = (IPEndPoint)_listener.LocalEndpoint;
        IPAddress shown = bound.Address.Equals(IPAddress.Any) ? IPAddress.Loopback : bound.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : bound.Address;
        Host = new IPEndPoint(shown, bound.Port).ToString();
        Url = new Uri($"{(options.Certificate is null ? "http" : "https")}://{Host}");
        _router = new RegistryRouter(new RepositoryStore(options.Directory), _content, _uploads, new RegistryAccess(options, Url));
        _accepting = AcceptAsync();
    }

    /// <summary>Address and port as they stand in an image name.</summary>
    public string Host { get; }

    public Uri Url { get; }

    public static EmbeddedRegistry Start(RegistryServerOptions options) => new(options);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_connections.Keys);
        await _uploads.DisposeAsync();
        _content.Dispose();
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptSocketAsync(_stopping.Token);
                Task connection = ServeAsync(socket);
                _connections.TryAdd(connection, 0);
                _ = connection.ContinueWith(done => _connections.TryRemove(done, out _), TaskScheduler.Default);
            }
        }
        catch (Exception e) when (_stopping.IsCancellationRequested && e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            return; // disposed
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        await Task.Yield();
        try
        {
            socket.NoDelay = true;
            await using Stream stream = await SecureAsync(new NetworkStream(socket, ownsSocket: true));
            using var connection = new HttpConnection(stream, _options.Time, _stopping.Token);
            await connection.RunAsync(AnswerAsync);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or AuthenticationException or KimgException)
        {
            socket.Dispose(); // the peer is gone or does not speak our language; a blob that fails half-way can only be told by hanging up
        }
    }

    private async Task<Stream> SecureAsync(NetworkStream plain)
    {
        if (_options.Certificate is null) return plain;
        var secure = new SslStream(plain);
        await secure.AuthenticateAsServerAsync(
            new SslServerAuthenticationOptions
            {
                ServerCertificate = _options.Certificate,
                ClientCertificateRequired = _options.AcceptClient is not null,
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                    _options.AcceptClient is null
                    || (certificate is System.Security.Cryptography.X509Certificates.X509Certificate2 client && _options.AcceptClient(client)),
            },
            _stopping.Token);
        return secure;
    }

    private Task<ServerResponse> AnswerAsync(ServerRequest request) => _options.Middleware is { } middleware
        ? middleware(request, () => HandleAsync(request))
        : HandleAsync(request);

    private async Task<ServerResponse> HandleAsync(ServerRequest request)
    {
        try
        {
            return await _router.HandleAsync(request, _stopping.Token);
        }
        catch (RequestFault fault)
        {
            return fault.ToResponse();
        }
        catch (KimgException e) when (e.Code == ErrorCode.DiskFull)
        {
            return ServerResponse.Error(507, "UNKNOWN", e.Message);
        }
        catch (Exception e) when (e is KimgException || (StorageFailure.Is(e) && e is not EndOfStreamException))
        {
            return ServerResponse.Error(500, "UNKNOWN", e.Message);
        }
    }
}
