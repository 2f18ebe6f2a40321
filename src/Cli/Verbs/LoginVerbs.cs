using Kimg.Cli.CommandLine;
using Kimg.Cli.Facade;
using Kimg.Cli.Options;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Verbs;

internal static class LoginVerbs
{
    private static readonly OptionRow s_user = new("username", ValueKind.Single, "User name") { Short = 'u', Value = "NAME" };
    private static readonly OptionRow s_password = new("password", ValueKind.Single, "Not supported: it would show in the process list")
    {
        Short = 'p', Value = "PASSWORD",
    };

    private static readonly OptionRow s_passwordStdin = new("password-stdin", ValueKind.Flag, "Read the password or token from stdin");

    public static Verb CreateLogin() => new()
    {
        Name = "login",
        Summary = "Store a credential for a registry",
        Positionals = "[REGISTRY]",
        MaxPositionals = 1,
        Details = "The credential is tried first, then kept where docker keeps it. REGISTRY is docker.io when left out.",
        Options = [s_user, s_password, s_passwordStdin, .. EngineOptionRows.Registry],
        Run = LoginAsync,
    };

    public static Verb CreateLogout() => new()
    {
        Name = "logout",
        Summary = "Forget the credential for a registry",
        Positionals = "[REGISTRY]",
        MaxPositionals = 1,
        Run = async (arguments, host, token) =>
        {
            string registry = Registry(arguments);
            await using IEngine engine = EngineOptionRows.Open(arguments, host);
            bool found = await engine.LogoutAsync(registry, token);
            host.WriteLine(found ? $"logged out of {registry}" : $"not logged in to {registry}");
            return 0;
        },
    };

    private static async Task<int> LoginAsync(Arguments arguments, CliHost host, CancellationToken cancellationToken)
    {
        if (arguments.IsGiven(s_password))
        {
            throw new KimgException(ErrorCode.UnsupportedFeature, "--password would show the password to every user of this machine")
            {
                Hint = "pipe it in: printf %s \"$TOKEN\" | kimg login --username NAME --password-stdin REGISTRY",
            };
        }

        string registry = Registry(arguments);
        if (arguments.Value(s_user) is not { Length: > 0 } user || !arguments.Flag(s_passwordStdin))
        {
            throw new KimgException(ErrorCode.InvalidArgument, "--username and --password-stdin are needed")
            {
                Hint = $"printf %s \"$TOKEN\" | kimg login --username NAME --password-stdin {registry}",
            };
        }

        using Secret password = ReadPassword(host.Input.Value);
        await using IEngine engine = EngineOptionRows.Open(arguments, host);
        string where = await engine.LoginAsync(registry, user, password, cancellationToken);
        host.WriteLine($"logged in to {registry} (stored in {where})");
        return 0;
    }

    // As a registry is written before an image name; "https://host/v1/" is docker's old spelling.
    private static string Registry(Arguments arguments)
    {
        if (arguments.Positionals is not [var given]) return ImageReference.DockerHub;
        string text = given;
        int scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0) text = text[(scheme + 3)..].Split('/')[0];
        if (text.Length == 0 || text.AsSpan().IndexOfAny('/', ' ') >= 0)
        {
            throw new KimgException(ErrorCode.InvalidArgument, $"'{given}' is not a registry") { Hint = "write HOST or HOST:PORT" };
        }

        return text is "index.docker.io" or "registry-1.docker.io" ? ImageReference.DockerHub : text;
    }

    private static Secret ReadPassword(Stream input)
    {
        var buffer = new byte[64 << 10];
        int length = input.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        ReadOnlySpan<byte> text = buffer.AsSpan(0, length).TrimEnd("\r\n"u8);
        if (text.IsEmpty) throw new KimgException(ErrorCode.InvalidArgument, "the password on stdin is empty");
        if (text.IndexOf((byte)'\n') >= 0 || !System.Text.Unicode.Utf8.IsValid(text))
            throw new KimgException(ErrorCode.InvalidArgument, "the password on stdin is not one line of UTF-8");
        var password = new Secret(text);
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(buffer);
        return password;
    }
}
