using System.Collections.Immutable;

namespace Kimg.Cli.Facade;

/// <summary>Single certificates in the layout the engine reads: a directory of links, gone with the process.</summary>
internal static class CertificateFolder
{
    /// <summary>Directories in docker's certs.d layout; what was given for a host stands before the machine's own.</summary>
    public static IEnumerable<string> Of(ImmutableArray<RegistryCertificate> certificates)
    {
        RegistryCertificate[] single = [.. certificates.Where(c => c.Host.Length > 0)];
        if (single.Length > 0)
        {
            string root = Directory.CreateTempSubdirectory("kimg-certs-").FullName;
            AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(root, recursive: true);
            for (int i = 0; i < single.Length; i++) Link(root, single[i], i);
            yield return root;
        }

        foreach (RegistryCertificate folder in certificates.Where(c => c.Host.Length == 0)) yield return folder.Authority!;
    }

    private static void Link(string root, RegistryCertificate certificate, int number)
    {
        string directory = Directory.CreateDirectory(Path.Combine(root, certificate.Host)).FullName;
        if (certificate.Authority is { } authority) File.CreateSymbolicLink(Path.Combine(directory, $"{number}.crt"), authority);
        if (certificate is not { Client: { } client, ClientKey: { } key }) return;
        File.CreateSymbolicLink(Path.Combine(directory, $"{number}.cert"), client);
        File.CreateSymbolicLink(Path.Combine(directory, $"{number}.key"), key);
    }
}
