using System.Collections.Immutable;

namespace Kimg.Engine.Registry;

/// <summary>Everything a <see cref="RegistryClient"/> may do and where it may look; nothing is read from the environment.</summary>
public sealed record RegistryOptions
{
    /// <summary>Null means anonymous everywhere.</summary>
    public ICredentialSource? Credentials { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Numbers in [0, 1) for the jitter of retries.</summary>
    public Func<double> Jitter { get; init; } = Random.Shared.NextDouble;

    /// <summary>Per registry (as in an image reference) the mirrors tried, in order, before the registry itself. Reads only.</summary>
    public ImmutableDictionary<string, ImmutableArray<RegistryMirror>> Mirrors { get; init; } =
        ImmutableDictionary<string, ImmutableArray<RegistryMirror>>.Empty;

    /// <summary>registries.conf and its drop-ins, read when a registry is first asked for; <see cref="RegistriesConf.FindFiles"/> finds them.</summary>
    public ImmutableArray<string> ConfigurationFiles { get; init; } = [];

    /// <summary>Registries (<c>host[:port]</c>) whose certificate is not checked and that may speak plain http. Loopback always may.</summary>
    public ImmutableHashSet<string> InsecureHosts { get; init; } = ImmutableHashSet<string>.Empty;

    /// <summary>PEM files of certificate authorities trusted in addition to the host's.</summary>
    public ImmutableArray<string> CaFiles { get; init; } = [];

    /// <summary>The values of SSL_CERT_FILE and SSL_CERT_DIR: they replace the usual places of the host's bundle.</summary>
    public string? SslCertFile { get; init; }

    public string? SslCertDirectory { get; init; }

    /// <summary>Directories in docker's and containers' <c>certs.d</c> layout: <c>DIR/host[:port]/{*.crt, *.cert + *.key}</c>.</summary>
    public ImmutableArray<string> CertificateDirectories { get; init; } = [];

    public string UserAgent { get; init; } = "kimg";

    /// <summary>How often a request is tried in all.</summary>
    public int Attempts { get; init; } = 5;

    public TimeSpan RetryBaseDelay { get; init; } = TimeSpan.FromMilliseconds(500);

    public TimeSpan RetryMaxDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A Retry-After longer than this fails at once instead of waiting.</summary>
    public TimeSpan RetryAfterCap { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>From the end of a request to the first byte of its answer.</summary>
    public TimeSpan ResponseTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The longest pause within a body, either way; also how long a registry may take to digest an upload.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Bytes held in memory by an upload whose size is not known beforehand, and the size of its chunks.</summary>
    public int ChunkSize { get; init; } = 8 << 20;

    /// <summary>Blobs moved at once by one push or pull.</summary>
    public int ParallelTransfers { get; init; } = 4;
}
