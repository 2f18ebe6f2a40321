using Kimg.Cli.Options;
using Kimg.Engine.Build;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Kaniko;

/// <summary>Kaniko's forms of --context.</summary>
internal static class KanikoContext
{
    /// <param name="git">What the git flags ask for; null: none was given.</param>
    /// <param name="method">The protocol of git:// contexts: https, or http (GIT_PULL_METHOD).</param>
    public static ContextSource Parse(string text, KanikoGit? git, string method, CliHost host)
    {
        int end = text.IndexOf("://", StringComparison.Ordinal);
        (string scheme, string rest) = end < 0 ? ("", text) : (text[..end], text[(end + 3)..]);
        return scheme switch
        {
            "" => ContextParser.Parse(rest, host.CurrentDirectory),
            "dir" => ContextParser.Parse(rest, BaseOf(rest, host)),
            "tar" when rest is "stdin" or "-" => new TarContext(host.Input.Value),
            "tar" => Tar(Path.GetFullPath(rest, host.CurrentDirectory)),
            "git" => Git($"{method}://{rest}", git ?? new KanikoGit()),
            "http" or "https" when git is not null || IsRepository(rest) => Git(text, git ?? new KanikoGit()),
            "https" when rest.Split('/')[0].EndsWith(".blob.core.windows.net", StringComparison.Ordinal) && !rest.Contains('?') =>
                throw Bucket(text, "give an address with a signature (SAS)"),
            "http" or "https" => new HttpContext(text),
            "ssh" => Git(text, git ?? new KanikoGit()),
            "gs" or "s3" => throw Bucket(text, "mount its content into the pod, or give a signed https:// address"),
            _ => throw new KimgException(ErrorCode.InvalidArgument, $"unknown kind of context '{text}'")
            {
                Hint = "it is a directory, or begins with dir://, tar://, git:// or https://",
            },
        };
    }

    // Kaniko's own example of a pod has dir://workspace and means /workspace; that is also its current directory.
    private static string BaseOf(string directory, CliHost host) =>
        !Directory.Exists(Path.GetFullPath(directory, host.CurrentDirectory)) && Directory.Exists(Path.GetFullPath(directory, "/")) ? "/" : host.CurrentDirectory;

    private static bool IsRepository(string rest) => rest.Split('#', '?')[0].EndsWith(".git", StringComparison.Ordinal);

    private static TarContext Tar(string path)
    {
        if (File.Exists(path)) return new TarContext(File.OpenRead(path));
        throw new KimgException(ErrorCode.ContextNotFound, $"there is no context archive '{path}'");
    }

    /// <summary>git://host/path#REF#COMMIT; a fragment that is a commit, and the third part, are checked out as they are.</summary>
    /// <param name="subdirectories">The fragment is REF:DIRECTORY, as docker has it.</param>
    public static GitContext Git(string url, KanikoGit git, bool subdirectories = false)
    {
        string[] parts = url.Split('#');
        string[] asked = parts[0].Split('?', 2);
        string address = IsRepository(asked[0]) ? asked[0] : asked[0].TrimEnd('/') + ".git", fragment = parts.Length > 1 ? parts[1] : "", directory = "";
        if (subdirectories && fragment.IndexOf(':') is >= 0 and var colon) (fragment, directory) = (fragment[..colon], fragment[(colon + 1)..]);
        string? reference = git.Revision ?? (parts.Length > 2 && parts[2].Length > 0 ? parts[2] : null) ?? git.Branch ?? (fragment.Length > 0 ? fragment : null);
        string[] query =
        [
            .. asked.Skip(1).Where(part => part.Length > 0),
            .. reference is null ? Array.Empty<string>() : ["ref=" + Uri.EscapeDataString(reference)],
            .. directory.Length == 0 ? Array.Empty<string>() : ["subdir=" + Uri.EscapeDataString(directory)],
            .. git.Submodules is { } submodules ? [submodules ? "submodules=true" : "submodules=false"] : Array.Empty<string>(),
        ];
        return new GitContext(address + (query.Length == 0 ? "" : "?" + string.Join('&', query)));
    }

    private static KimgException Bucket(string text, string hint) =>
        new(ErrorCode.UnsupportedFeature, $"contexts in buckets are not supported ('{text}')") { Hint = hint };
}

/// <summary>What the git flags ask for.</summary>
/// <param name="Submodules">null: as kimg does it.</param>
internal sealed record KanikoGit(string? Branch = null, string? Revision = null, bool? Submodules = null);
