using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sources;

/// <summary>Takes the credentials out of an address, or finds them among the secrets.</summary>
internal static class GitCredentials
{
    public static async Task<GitAccess> AccessAsync(
        string remote, Func<string, CancellationToken, Task<byte[]?>> secret, Func<string?> agent, CancellationToken cancellationToken)
    {
        if (remote.StartsWith("github.com/", StringComparison.Ordinal)) remote = "https://" + remote;
        if (!Uri.TryCreate(remote, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https"))
        {
            // ssh and scp addresses name a user, not a secret; a password there would be of no use to ssh.
            bool ssh = remote.StartsWith("ssh://", StringComparison.Ordinal) || (!remote.Contains("://", StringComparison.Ordinal) && remote.Contains('@'));
            bool password = uri is { Scheme: "ssh" } && uri.UserInfo.Contains(':');
            return new GitAccess(password ? remote.Replace(uri!.UserInfo, uri.UserInfo.Split(':')[0], StringComparison.Ordinal) : remote)
            {
                AgentSocket = ssh ? agent() : null,
            };
        }

        string bare = uri.UserInfo.Length == 0 ? remote : remote.Replace(uri.UserInfo + "@", "", StringComparison.Ordinal);
        (Secret? authorization, bool ofHost) = await AuthorizationAsync(uri, secret, cancellationToken);
        bool github = uri.IdnHost is "github.com" or "www.github.com" && uri.Scheme == "https";

        // A secret that names the host is for all of it, submodules included; another one is for this repository only.
        return new GitAccess(bare)
        {
            Authorization = authorization, AuthorizationScope = github || ofHost ? $"{uri.Scheme}://{uri.Authority}/" : bare,
        };
    }

    private static async Task<(Secret?, bool OfHost)> AuthorizationAsync(
        Uri uri, Func<string, CancellationToken, Task<byte[]?>> secret, CancellationToken cancellationToken)
    {
        foreach (string suffix in (string[])["." + uri.Authority, "." + uri.Host, ""])
        {
            if (await secret("GIT_AUTH_HEADER" + suffix, cancellationToken) is { } header) return (new Secret(Text(header)), suffix.Length > 0);
            if (await secret("GIT_AUTH_TOKEN" + suffix, cancellationToken) is { } token) return (Basic("x-access-token:" + Text(token)), suffix.Length > 0);
        }

        if (uri.UserInfo.Length == 0) return (null, false);
        string user = Uri.UnescapeDataString(uri.UserInfo);
        return (Basic(user.Contains(':') ? user : user + ":"), false);
    }

    private static Secret Basic(string user) => new("basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(user)));

    private static string Text(byte[] value)
    {
        string text = Encoding.UTF8.GetString(value).Trim();
        return text.AsSpan().IndexOfAny('\r', '\n', '\0') < 0 ? text : throw new KimgException(ErrorCode.InvalidSecret, "a GIT_AUTH secret has more than one line");
    }
}
