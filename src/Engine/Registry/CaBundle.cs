using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>The certificate authorities of the host. A static binary's OpenSSL looks only in the directory it was configured with,
/// which another distribution need not have, so the usual places are searched here.</summary>
internal static class CaBundle
{
    private const int MaxFileSize = 16 << 20;

    // Debian, Alpine, Arch; Fedora, RHEL 7+; openSUSE; Alpine's libressl, macOS, FreeBSD; RHEL 6; Fedora's extracted form; NixOS; Void.
    internal static readonly ImmutableArray<string> UsualFiles =
    [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
        "/etc/pki/tls/cacert.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/certs/ca-bundle.crt",
        "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
        "/usr/share/ca-certificates/ca-bundle.crt",
        "/usr/local/share/certs/ca-root-nss.crt",
    ];

    /// <summary>The trusted roots, or null when nothing was found or configured and the platform's own choice has to do.</summary>
    /// <exception cref="KimgException">TlsFailed when a configured file cannot be read.</exception>
    public static X509Certificate2Collection? Load(RegistryOptions options, IEnumerable<string> extraFiles) =>
        // Elsewhere the platform knows better: what users and companies trust is not in a file.
        Load(options, extraFiles, OperatingSystem.IsLinux() ? UsualFiles : []);

    internal static X509Certificate2Collection? Load(RegistryOptions options, IEnumerable<string> extraFiles, ImmutableArray<string> usualFiles)
    {
        var roots = new X509Certificate2Collection();
        string? bundle = options.SslCertFile ?? usualFiles.FirstOrDefault(File.Exists);
        bool configured = options.SslCertFile is not null || options.SslCertDirectory is not null;
        if (bundle is not null && (options.SslCertFile is not null || !configured)) Import(roots, bundle);
        if (options.SslCertDirectory is { } directories)
        {
            foreach (string directory in directories.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Where(Directory.Exists))
            {
                foreach (string file in Directory.EnumerateFiles(directory).Order(StringComparer.Ordinal)) Import(roots, file);
            }
        }

        bool hostRoots = roots.Count > 0;
        foreach (string file in options.CaFiles.Concat(extraFiles)) Import(roots, file);
        if (roots.Count == 0) return null;
        if (!hostRoots && !configured)
        {
            // Only additional ones were found: the platform keeps the host's somewhere else (macOS, Windows).
            using var store = new X509Store(StoreName.Root, StoreLocation.LocalMachine);
            store.Open(OpenFlags.ReadOnly);
            roots.AddRange(store.Certificates);
        }

        return roots;
    }

    private static void Import(X509Certificate2Collection roots, string file)
    {
        try
        {
            if (new FileInfo(file).Length > MaxFileSize) throw new CryptographicException("the file is larger than 16 MiB");
            roots.ImportFromPemFile(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new KimgException(ErrorCode.TlsFailed, $"cannot read certificates from '{file}': {e.Message.TrimEnd('.')}", e)
            {
                Hint = "the file must hold certificates in PEM form",
            };
        }
    }
}
