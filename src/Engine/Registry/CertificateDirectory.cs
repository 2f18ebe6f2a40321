using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>What <c>certs.d/host[:port]/</c> holds for a registry (docker's "certs.d", containers-certs.d(5)): <c>*.crt</c> are authorities,
/// <c>NAME.cert</c> with <c>NAME.key</c> is a client certificate.</summary>
internal sealed record CertificateDirectory(ImmutableArray<string> CaFiles, ImmutableArray<(string Certificate, string Key)> Clients)
{
    public static readonly CertificateDirectory None = new([], []);

    public bool IsEmpty => CaFiles.IsEmpty && Clients.IsEmpty;

    /// <summary>The first of the directories that knows the host decides.</summary>
    /// <exception cref="KimgException">TlsFailed when a certificate has no key.</exception>
    public static CertificateDirectory Find(IEnumerable<string> roots, string host)
    {
        foreach (string directory in roots.Select(root => Path.Combine(root, host)).Where(Directory.Exists))
        {
            string[] files = [.. Directory.EnumerateFiles(directory).Order(StringComparer.Ordinal)];
            var clients = ImmutableArray.CreateBuilder<(string, string)>();
            foreach (string certificate in files.Where(f => f.EndsWith(".cert", StringComparison.Ordinal)))
            {
                string key = Path.ChangeExtension(certificate, ".key");
                if (!files.Contains(key))
                {
                    throw new KimgException(ErrorCode.TlsFailed, $"client certificate '{certificate}' has no key beside it")
                    {
                        Hint = $"put its key into '{key}'",
                    };
                }

                clients.Add((certificate, key));
            }

            return new CertificateDirectory([.. files.Where(f => f.EndsWith(".crt", StringComparison.Ordinal))], clients.ToImmutable());
        }

        return None;
    }

    public X509Certificate2Collection LoadClients()
    {
        var loaded = new X509Certificate2Collection();
        foreach ((string certificate, string key) in Clients)
        {
            try
            {
                loaded.Add(X509Certificate2.CreateFromPemFile(certificate, key));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
            {
                throw new KimgException(ErrorCode.TlsFailed, $"cannot read client certificate '{certificate}': {e.Message.TrimEnd('.')}", e);
            }
        }

        return loaded;
    }
}
