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
        return new GitAccess(bare)
        {
            Authorization = await AuthorizationAsync(uri, secret, cancellationToken),
            AuthorizationScope = uri.IdnHost is "github.com" or "www.github.com" && uri.Scheme == "https" ? $"https://{uri.IdnHost}/" : bare,
        };
    }

    private static async Task<Secret?> AuthorizationAsync(Uri uri, Func<string, CancellationToken, Task<byte[]?>> secret, CancellationToken cancellationToken)
    {
        foreach (string suffix in (string[])["." + uri.Authority, "." + uri.Host, ""])
        {
            if (await secret("GIT_AUTH_HEADER" + suffix, cancellationToken) is { } header) return new Secret(Text(header));
            if (await secret("GIT_AUTH_TOKEN" + suffix, cancellationToken) is { } token) return Basic("x-access-token:" + Text(token));
        }

        if (uri.UserInfo.Length == 0) return null;
        string user = Uri.UnescapeDataString(uri.UserInfo);
        return Basic(user.Contains(':') ? user : user + ":");
    }

    private static Secret Basic(string user) => new("basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(user)));

    private static string Text(byte[] value)
    {
        string text = Encoding.UTF8.GetString(value).Trim();
        return text.AsSpan().IndexOfAny('\r', '\n', '\0') < 0 ? text : throw new KimgException(ErrorCode.InvalidSecret, "a GIT_AUTH secret has more than one line");
    }
}
