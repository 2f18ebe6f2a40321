using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Kimg.Engine.Registry;

/// <summary>One connection pool for each way of connecting: plain, verified, unverified, and one per host that has its own certificates.
/// Nothing about certificates is read before the first https request.</summary>
internal sealed class ConnectionPools(RegistryOptions options) : IDisposable
{
    private readonly Dictionary<string, HttpMessageInvoker> _pools = new(StringComparer.OrdinalIgnoreCase);
    private X509Certificate2Collection? _hostRoots;
    private bool _hostRootsLoaded;

    /// <param name="skipVerify">Only for the registry's own host; never for where it redirects to.</param>
    public HttpMessageInvoker For(Uri uri, bool skipVerify)
    {
        // A proxy is for what is elsewhere; like Go's client, never ask one for loopback.
        bool direct = EndpointResolver.IsLoopback(uri);
        lock (_pools)
        {
            if (uri.Scheme != Uri.UriSchemeHttps) return Pool(direct ? "http direct" : "http", () => Create(direct, null));
            CertificateDirectory own = options.CertificateDirectories.IsEmpty
                ? CertificateDirectory.None
                : CertificateDirectory.Find(options.CertificateDirectories, uri.Authority);
            string key = (own.IsEmpty ? "https" : uri.Authority) + (skipVerify ? " unverified" : "") + (direct ? " direct" : "");
            return Pool(key, () => Create(direct, Tls(own, skipVerify)));
        }
    }

    public void Dispose()
    {
        foreach (HttpMessageInvoker pool in _pools.Values) pool.Dispose();
    }

    private HttpMessageInvoker Pool(string key, Func<HttpMessageInvoker> create)
    {
        if (!_pools.TryGetValue(key, out HttpMessageInvoker? pool)) _pools[key] = pool = create();
        return pool;
    }

    private static HttpMessageInvoker Create(bool direct, SslClientAuthenticationOptions? tls)
    {
        // Redirects and cookies are done by hand or not at all; nothing is decompressed, because digests are of the bytes sent.
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = !direct,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = TimeSpan.FromSeconds(15),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60),
            ActivityHeadersPropagator = null,
        };
        if (tls is not null) handler.SslOptions = tls;
        return new HttpMessageInvoker(handler, disposeHandler: true);
    }

    private SslClientAuthenticationOptions Tls(CertificateDirectory own, bool skipVerify)
    {
        var tls = new SslClientAuthenticationOptions();
        if (!own.Clients.IsEmpty) tls.ClientCertificates = own.LoadClients();
        if (skipVerify)
        {
#pragma warning disable CA5359 // the user declared this registry insecure, or it is loopback
            tls.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
            return tls;
        }

        X509Certificate2Collection? roots = own.CaFiles.IsEmpty ? HostRoots() : CaBundle.Load(options, own.CaFiles);
        if (roots is null) return tls;
        tls.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        tls.CertificateChainPolicy.CustomTrustStore.AddRange(roots);
        return tls;
    }

    private X509Certificate2Collection? HostRoots()
    {
        if (_hostRootsLoaded) return _hostRoots;
        _hostRoots = CaBundle.Load(options, []);
        _hostRootsLoaded = true;
        return _hostRoots;
    }
}
