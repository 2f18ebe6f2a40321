using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Kimg.Cli.CommandLine;
using Kimg.Cli.Facade;
using Kimg.Cli.Options;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Verbs;

internal static class LoginVerbs
{
    private static readonly OptionRow s_user = new("username", ValueKind.Single, "User name") { Short = 'u', Value = "NAME" };
    private static readonly OptionRow s_password = new("password", ValueKind.Single, "Password; every user of this machine can see it in the process list")
    {
        Short = 'p', Value = "PASSWORD",
    };

    private static readonly OptionRow s_all = new("all", ValueKind.Flag, "Forget the credentials for all registries") { Short = 'a' };

    private static readonly OptionRow s_passwordStdin = new("password-stdin", ValueKind.Flag, "Read the password or token from stdin");

    public static Verb CreateLogin() => new()
    {
        Name = "login",
        Summary = "Store a credential for a registry",
        Positionals = "[REGISTRY]",
        MaxPositionals = 1,
        Details = "The credential is tried first, then kept where docker keeps it. REGISTRY is docker.io when left out. "
            + "What is not given is asked for on the terminal.",
        Options = [s_user, s_password, s_passwordStdin, .. EngineOptionRows.Registry],
        Run = LoginAsync,
    };

    public static Verb CreateLogout() => new()
    {
        Name = "logout",
        Summary = "Forget the credential for a registry",
        Positionals = "[REGISTRY]",
        MaxPositionals = 1,
        Options = [s_all],
        Run = async (arguments, host, token) =>
        {
            string registry = Registry(arguments);
            await using IEngine engine = EngineOptionRows.Open(arguments, host);
            if (arguments.Flag(s_all))
            {
                if (arguments.Positionals.Length > 0) throw new KimgException(ErrorCode.InvalidArgument, "--all and a registry exclude each other");
                ImmutableArray<string> all = await engine.LogoutAllAsync(token);
                host.Write(all.IsEmpty ? "not logged in anywhere\n" : string.Concat(all.Select(known => $"logged out of {known}\n")));
                return 0;
            }

            bool found = await engine.LogoutAsync(registry, token);
            host.WriteLine(found ? $"logged out of {registry}" : $"not logged in to {registry}");
            return 0;
        },
    };

    private static async Task<int> LoginAsync(Arguments arguments, CliHost host, CancellationToken cancellationToken)
    {
        string registry = Registry(arguments);
        string user = await UserAsync(arguments, host, registry, cancellationToken);
        using Secret password = await PasswordAsync(arguments, host, registry, cancellationToken);
        await using IEngine engine = EngineOptionRows.Open(arguments, host);
        string where = await engine.LoginAsync(registry, user, password, cancellationToken);
        host.WriteLine($"logged in to {registry} (stored {(Path.IsPathRooted(where) ? "unencrypted " : "")}in {where})");
        return 0;
    }

    private static async Task<string> UserAsync(Arguments arguments, CliHost host, string registry, CancellationToken cancellationToken)
    {
        if (arguments.Value(s_user) is { Length: > 0 } given) return given;
        if (arguments.Flag(s_passwordStdin) || !host.InputIsTerminal()) throw Needed(registry);
        host.WriteError($"Username for {registry}: ");
        string typed = Encoding.UTF8.GetString(await TypedAsync(host, cancellationToken)).Trim();
        return typed.Length > 0 ? typed : throw new KimgException(ErrorCode.InvalidArgument, "the user name is empty");
    }

    private static async Task<Secret> PasswordAsync(Arguments arguments, CliHost host, string registry, CancellationToken cancellationToken)
    {
        if (arguments.Flag(s_passwordStdin))
        {
            return arguments.IsGiven(s_password) ? throw new KimgException(ErrorCode.InvalidArgument, "--password and --password-stdin exclude each other")
                : ReadPassword(host.Input.Value);
        }

        if (arguments.Value(s_password) is { } given)
        {
            host.WriteError("warning: --password shows the password to every user of this machine; use --password-stdin\n");
            return given.Length > 0 ? new Secret(given) : throw new KimgException(ErrorCode.InvalidArgument, "the password is empty");
        }

        if (!host.InputIsTerminal()) throw Needed(registry);
        using IDisposable hidden = host.HideTyping(); // before the question: who answers it quickly must not be shown either
        host.WriteError("Password: ");
        byte[] typed = await TypedAsync(host, cancellationToken);
        var password = new Secret(typed);
        CryptographicOperations.ZeroMemory(typed);
        return password.IsEmpty ? throw new KimgException(ErrorCode.InvalidArgument, "the password is empty") : password;
    }

    private static KimgException Needed(string registry) => new(ErrorCode.InvalidArgument, "stdin is no terminal: --username and --password-stdin are needed")
    {
        Hint = $"printf %s \"$TOKEN\" | kimg login --username NAME --password-stdin {registry}",
    };

    /// <summary>A line without its end. Whoever is interrupted meanwhile gets the terminal back as it was.</summary>
    private static Task<byte[]> TypedAsync(CliHost host, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            var line = new List<byte>();
            while (host.Input.Value.ReadByte() is var next and >= 0 and not '\n') line.Add((byte)next);
            return line.ToArray();
        },
        CancellationToken.None).WaitAsync(cancellationToken);

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
        CryptographicOperations.ZeroMemory(buffer);
        return password;
    }
}
