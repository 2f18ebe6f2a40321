using System.Collections.Frozen;
using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Kimg.Engine.RegistryServer;

internal sealed record RegistryServerOptions
{
    /// <summary>Where everything is kept; made when it is not there.</summary>
    public required string Directory { get; init; }

    /// <summary>Port 0: any free port.</summary>
    public IPEndPoint Endpoint { get; init; } = new(IPAddress.Loopback, 0);

    /// <summary>Passwords by user name; null: everyone may do everything.</summary>
    public FrozenDictionary<string, string>? Users { get; init; }

    /// <summary>Ask for tokens from this server's own <c>/token</c> instead of for name and password with every request.</summary>
    public bool Bearer { get; init; }

    /// <summary>With <see cref="Users"/>: pulling needs no user.</summary>
    public bool AnonymousPull { get; init; }

    /// <summary>Serve https with this certificate, which must have its private key.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>With <see cref="Certificate"/>: clients must show a certificate that this accepts.</summary>
    public Func<X509Certificate2, bool>? AcceptClient { get; init; }

    /// <summary>Stands before the registry: may answer itself, change the answer, record. For access logs and for tests.</summary>
    public Func<ServerRequest, Func<Task<ServerResponse>>, Task<ServerResponse>>? Middleware { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
