using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>The addresses ADD fetches from.</summary>
internal static class RemoteSources
{
    public static bool IsHttp(string path) =>
        (path.StartsWith("http://", StringComparison.Ordinal) || path.StartsWith("https://", StringComparison.Ordinal)) && !IsGit(path);

    public static bool IsGit(string path) => GitReference.TryParse(path) is { LooksLocal: false };

    /// <summary>The source vertex of an address; null when the text is a path.</summary>
    /// <exception cref="KimgException">InvalidArgument, InvalidCopy, InvalidDigest, ChecksumMismatch.</exception>
    public static Vertex? TryCreate(string text, string? checksum, AddInstruction add, VertexMeta meta)
    {
        if (GitReference.TryParse(text) is { LooksLocal: false } git) return new Vertex(Git(git, checksum, add), [], meta);
        if (!IsHttp(text)) return null;
        return new Vertex(new HttpSourceOp(text) { FileName = FileName(text), Checksum = checksum is null ? null : Digest.Parse(checksum) }, [], meta);
    }

    private static GitSourceOp Git(GitReference git, string? checksum, AddInstruction add)
    {
        if (add.KeepGitDir is { } flag && git.KeepGitDir is { } query && flag != query)
        {
            throw new KimgException(ErrorCode.InvalidCopy, "inconsistent keep-git-dir configuration")
            {
                Hint = "give it as a flag or in the address", Span = SourceSpans.Locate(add.Span, "--keep-git-dir"),
            };
        }

        if (checksum is not null && git.Checksum is not null && checksum != git.Checksum)
        {
            throw new KimgException(ErrorCode.ChecksumMismatch, $"checksum mismatch '{checksum}' != '{git.Checksum}'")
            {
                Hint = "give the checksum once", Span = add.Span,
            };
        }

        return GitSourceOp.Of(git) with { KeepGitDir = git.KeepGitDir ?? add.KeepGitDir ?? false, Checksum = git.Checksum ?? checksum };
    }

    private static string FileName(string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out Uri? address)
        && ImagePath.Normalize(Uri.UnescapeDataString(address.AbsolutePath)).Name is { Length: > 0 } name ? name : "__unnamed__";
}
