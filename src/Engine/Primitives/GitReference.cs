using System.Text.RegularExpressions;

namespace Kimg.Engine.Primitives;

/// <summary>A git repository with what to take of it, as a build context or ADD names it: <c>https://host/repo.git#ref:subdir</c>,
/// <c>https://host/repo.git?ref=…&amp;subdir=…</c>, <c>git@host:repo.git</c>, <c>ssh://…</c>, <c>git://…</c>.</summary>
public sealed partial record GitReference
{
    /// <summary>What git fetches from: the address without query and fragment.</summary>
    public required string Remote { get; init; }

    /// <summary>Commit, branch, tag or full reference name; null: the default branch.</summary>
    public string? Ref { get; init; }

    /// <summary>Directory inside the repository, no leading slash; null: its root.</summary>
    public string? Subdir { get; init; }

    /// <summary>The commit the reference must point at, or a prefix of it.</summary>
    public string? Checksum { get; init; }

    public bool? KeepGitDir { get; init; }

    public bool? Submodules { get; init; }

    /// <summary>"checkout" or "commit": what the files' times are.</summary>
    public string? ModificationTime { get; init; }

    /// <summary>The checksum is fetched directly; the reference is only its name.</summary>
    public bool FetchByCommit { get; init; }

    /// <summary>A form that could be a local path: <c>github.com/owner/repo</c>. Only build contexts take it.</summary>
    public bool LooksLocal { get; init; }

    /// <summary>The reference a text names; null when it is no git reference.</summary>
    /// <exception cref="KimgException">InvalidArgument: a git reference with a bad query or fragment.</exception>
    public static GitReference? TryParse(string text)
    {
        if (text.StartsWith("./", StringComparison.Ordinal) || text.StartsWith("../", StringComparison.Ordinal)) return null;
        if (text.StartsWith("github.com/", StringComparison.Ordinal))
        {
            (string local, string? localQuery, string? localFragment) = Cut(text);
            return Create(local, localQuery, localFragment, text) with { LooksLocal = true };
        }

        (string address, string? query, string? fragment) = Cut(text);
        int scheme = address.IndexOf("://", StringComparison.Ordinal);
        if (scheme > 0 && address.AsSpan(0, scheme).IndexOfAnyExcept(s_schemeCharacters) < 0)
        {
            string protocol = address[..scheme].ToLowerInvariant();
            if (protocol is not ("http" or "https" or "ssh" or "git")) return null;
            string rest = address[(scheme + 3)..];
            int slash = rest.IndexOf('/');
            string path = slash < 0 ? "" : Uri.UnescapeDataString(rest[slash..]);
            if (protocol is "http" or "https" && !path.EndsWith(".git", StringComparison.Ordinal)) return null;
            return Create(protocol + address[scheme..], query, fragment, text);
        }

        return ScpPattern().IsMatch(address) ? Create(address, query, fragment, text) : null;
    }

    private static readonly System.Buffers.SearchValues<char> s_schemeCharacters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

    private static (string Address, string? Query, string? Fragment) Cut(string text)
    {
        string? query = null, fragment = null;
        int hash = text.IndexOf('#');
        if (hash >= 0) (text, fragment) = (text[..hash], text[(hash + 1)..]);
        int question = text.IndexOf('?');
        if (question >= 0) (text, query) = (text[..question], text[(question + 1)..]);
        return (text, query, fragment);
    }

    private static GitReference Create(string remote, string? query, string? fragment, string text)
    {
        var reference = new GitReference { Remote = remote };
        if (fragment is { Length: > 0 })
        {
            string decoded = Uri.UnescapeDataString(fragment);
            int colon = decoded.IndexOf(':');
            string name = colon < 0 ? decoded : decoded[..colon];
            string subdir = colon < 0 ? "" : ImagePath.Normalize(decoded[(colon + 1)..]).Value;
            reference = reference with { Ref = NullIfEmpty(name), Subdir = NullIfEmpty(subdir) };
        }

        return query is null ? reference : reference.WithQuery(query, text);
    }

    private GitReference WithQuery(string query, string text)
    {
        GitReference result = this;
        string? tag = null, branch = null;
        var seen = new HashSet<string>();
        foreach (string pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = pair.IndexOf('=');
            string key = Decode(equals < 0 ? pair : pair[..equals]), value = equals < 0 ? "" : Decode(pair[(equals + 1)..]);
            if (!seen.Add(key)) throw Invalid(text, $"the query '{key}' has multiple values");
            if (value.Length == 0 && key is not ("submodules" or "keep-git-dir" or "fetch-by-commit"))
                throw Invalid(text, $"the query '{key}' has no value");
            switch (key)
            {
                case "ref":
                    result = result with { Ref = Same(result.Ref, value, "ref", text) };
                    break;
                case "tag":
                    tag = value.StartsWith("refs/tags/", StringComparison.Ordinal) ? value : "refs/tags/" + value;
                    break;
                case "branch":
                    branch = value.StartsWith("refs/heads/", StringComparison.Ordinal) ? value : "refs/heads/" + value;
                    break;
                case "subdir":
                    result = result with { Subdir = Same(result.Subdir, value, "subdir", text) };
                    break;
                case "checksum" or "commit":
                    result = result with { Checksum = value };
                    break;
                case "keep-git-dir":
                    result = result with { KeepGitDir = Boolean(key, value, text) };
                    break;
                case "submodules":
                    result = result with { Submodules = Boolean(key, value, text) };
                    break;
                case "fetch-by-commit":
                    result = result with { FetchByCommit = Boolean(key, value, text) };
                    break;
                case "mtime":
                    result = result with
                    {
                        ModificationTime = value is "checkout" or "commit" ? value : throw Invalid(text, $"invalid mtime value '{value}'"),
                    };
                    break;
                default:
                    throw Invalid(text, $"unexpected query '{key}'");
            }
        }

        if (tag is not null && branch is not null) throw Invalid(text, "branch conflicts with tag");
        return (tag ?? branch) is { } name ? result with { Ref = Same(result.Ref, name, "ref", text) } : result;
    }

    private static string Same(string? current, string value, string what, string text) =>
        current is null || current == value ? value : throw Invalid(text, $"{what} conflicts: '{current}' and '{value}'");

    private static bool Boolean(string key, string value, string text) => value switch
    {
        "" or "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => throw Invalid(text, $"invalid {key} value '{value}'"),
    };

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;

    private static KimgException Invalid(string text, string why) =>
        new(ErrorCode.InvalidArgument, $"invalid git reference '{Redacted(text)}': {why}")
        {
            Hint = "write https://host/repo.git?ref=NAME&subdir=DIR; the queries are ref, tag, branch, subdir, checksum, keep-git-dir, submodules, "
                + "mtime and fetch-by-commit",
        };

    // A password in the address must not reach a message.
    private static string Redacted(string text) => PasswordPattern().Replace(text, "$1xxxxx@");

    [GeneratedRegex(@"^[a-zA-Z0-9_\-]+@[a-zA-Z0-9.\-]+:.*\z")]
    private static partial Regex ScpPattern();

    [GeneratedRegex(@"(://[^/@:]*:)[^/@]*@")]
    private static partial Regex PasswordPattern();
}
