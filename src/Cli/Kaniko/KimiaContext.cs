using System.Text.RegularExpressions;
using Kimg.Cli.Options;
using Kimg.Engine.Build;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Kaniko;

/// <summary>Kimia's forms of --context: every https:// address is a repository, and variables in an address stand for their values. What it has not, such as tar://, is Kaniko's.</summary>
internal static partial class KimiaContext
{
    // They speak no git:// any more, and a pod has no key for ssh.
    private static readonly string[] s_hosts = ["github.com", "gitlab.com", "bitbucket.org"];

    /// <returns>The context, and the login that stood in its address: variables make tokens part of it, which belong into no message.</returns>
    public static (ContextSource Context, GitLogin? Login) Parse(string text, KanikoGit? git, string method, CliHost host)
    {
        string address = Https(Expand(text, host), host);
        if (!IsRepository(address)) return (KanikoContext.Parse(address, git, method, host), null);
        (address, GitLogin? login) = Bare(address);
        return (KanikoContext.Git(address, git ?? new KanikoGit(), subdirectories: true), login);
    }

    private static string Expand(string text, CliHost host) => VariablePattern().Replace(text, match =>
    {
        string name = match.Groups["name"].Value;
        return host.Variable(name) ?? throw new OptionSource("--context", text).Invalid($"the variable {name} is not set", "Kubernetes sets it by env: with a secretKeyRef");
    });

    private static string Https(string address, CliHost host)
    {
        Match scp = ScpPattern().Match(address);
        if (scp.Success && s_hosts.Contains(scp.Groups["host"].Value) && host.Variable("KIMIA_PREFER_SSH") != "true") return $"https://{scp.Groups["host"].Value}/{scp.Groups["path"].Value}";
        bool old = address.StartsWith("git://", StringComparison.Ordinal) && s_hosts.Contains(address[6..].Split('/')[0]);
        return old ? "https" + address[3..] : address;
    }

    private static bool IsRepository(string address)
    {
        if (address.StartsWith("git://", StringComparison.Ordinal) || ScpPattern().IsMatch(address)) return true;
        if (address.StartsWith("https://", StringComparison.Ordinal)) return address[8..].Contains('/');
        return address.Contains("://", StringComparison.Ordinal) && address.Split('#', '?')[0].EndsWith(".git", StringComparison.Ordinal);
    }

    private static (string Address, GitLogin? Login) Bare(string address)
    {
        Match login = LoginPattern().Match(address);
        if (!login.Success) return (address, null);
        string user = Uri.UnescapeDataString(login.Groups["user"].Value), password = Uri.UnescapeDataString(login.Groups["password"].Value);
        return (login.Groups["scheme"].Value + address[login.Length..], new GitLogin(user, new Secret(password)));
    }

    [GeneratedRegex(@"\$(?:\{(?<name>\w+)\}|(?<name>\w+))")]
    private static partial Regex VariablePattern();

    [GeneratedRegex(@"^git@(?<host>[^:/]+):(?<path>.+)\z")]
    private static partial Regex ScpPattern();

    [GeneratedRegex(@"^(?<scheme>https?://)(?<user>[^/@:]*)(?::(?<password>[^/@]*))?@")]
    private static partial Regex LoginPattern();
}

/// <summary>Name and password for a git server.</summary>
internal sealed record GitLogin(string User, Secret Password);
