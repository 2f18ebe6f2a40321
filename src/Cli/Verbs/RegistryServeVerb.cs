using Kimg.Cli.CommandLine;
using Kimg.Cli.Facade;
using Kimg.Cli.Options;
using Kimg.Engine.Build;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Verbs;

internal static class RegistryServeVerb
{
    private static readonly OptionRow s_address = new("address", ValueKind.Single, "Where to listen; port 0 picks a free one")
    {
        Value = "HOST:PORT", Default = "127.0.0.1:5000",
    };

    private static readonly OptionRow s_directory = new("root", ValueKind.Single, "Where the images are kept")
    {
        Value = "DIR", Path = PathKind.Directory, Default = "registry in the state directory",
    };

    private static readonly OptionRow s_certificate = new("tls-cert", ValueKind.Single, "Certificate chain (PEM)")
    {
        Value = "FILE", Path = PathKind.File,
    };

    private static readonly OptionRow s_key = new("tls-key", ValueKind.Single, "Private key (PEM)") { Value = "FILE", Path = PathKind.File };
    private static readonly OptionRow s_readOnly = new("read-only", ValueKind.Flag, "Refuse pushes and deletes");

    public static Verb Create() => new()
    {
        Name = "registry serve",
        Summary = "Serve a registry (OCI distribution) from a directory",
        Details = "Prints the address on stdout once it answers, and serves until it is interrupted. Without a certificate it only listens on loopback.",
        Options = [s_address, s_directory, s_certificate, s_key, s_readOnly, .. EngineOptionRows.Storage],
        Run = async (arguments, host, token) =>
        {
            ServeRequest request = Request(arguments, host);
            await using IEngine engine = EngineOptionRows.Open(arguments, host);
            try
            {
                await engine.ServeRegistryAsync(request, host.WriteLine, token);
            }
            catch (OperationCanceledException) when (token.IsCancellationRequested)
            {
                // Being interrupted is how a server ends.
                return 0;
            }

            return 0;
        },
    };

    private static ServeRequest Request(Arguments arguments, CliHost host)
    {
        string address = arguments.Value(s_address) ?? s_address.Default!;
        int colon = address.LastIndexOf(':');
        string name = colon < 0 ? "" : address[..colon];
        if (colon <= 0 || !ushort.TryParse(address.AsSpan(colon + 1), out _))
            throw new OptionSource(s_address.Spelling, address).Invalid("it is not HOST:PORT", "for example 127.0.0.1:5000");
        string? certificate = FileOf(arguments, s_certificate, host), key = FileOf(arguments, s_key, host);
        if (certificate is null != key is null) throw new KimgException(ErrorCode.InvalidArgument, "--tls-cert and --tls-key go together");
        if (certificate is null && name is not ("127.0.0.1" or "localhost" or "[::1]"))
        {
            throw new KimgException(ErrorCode.InvalidArgument, $"without TLS a registry listens on loopback only, not on '{name}'")
            {
                Hint = "add --tls-cert and --tls-key",
            };
        }

        return new ServeRequest(address, FileOf(arguments, s_directory, host), certificate, key, arguments.Flag(s_readOnly));
    }

    private static string? FileOf(Arguments arguments, OptionRow row, CliHost host) =>
        arguments.Value(row) is { Length: > 0 } path ? Path.GetFullPath(path, host.CurrentDirectory) : null;
}
