using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>Makes a context a directory of this machine.</summary>
internal sealed class ContextDirectory(RemoteFiles remote, TemporaryDirectory temporary)
{
    /// <summary>Whether a git context keeps its .git, where its address does not say; null: it does not.</summary>
    public bool? KeepGitDirectory { get; init; }

    public async Task<OpenedContext> OpenAsync(ContextSource source, CancellationToken cancellationToken) => source switch
    {
        DirectoryContext directory => new OpenedContext(directory.Path) { IsLocal = true },
        EmptyContext => new OpenedContext(null),
        TarContext tar => await ExtractAsync(tar.Tar, temporary.MakeEmpty(), cancellationToken),
        GitContext git => await OpenAsync(Parse(git, KeepGitDirectory), cancellationToken),
        HttpContext http => await OpenAsync(http, cancellationToken),
        ImageContext or OciLayoutContext => throw new KimgException(ErrorCode.UnsupportedFeature, "an image cannot be the main context")
        {
            Hint = "give it as a named one: --build-context NAME=docker-image://…, and use it with FROM NAME or COPY --from=NAME",
        },
        _ => throw new System.Diagnostics.UnreachableException(source.GetType().Name),
    };

    /// <exception cref="KimgException">InvalidArgument: the text names no repository.</exception>
    public static GitSourceOp Parse(GitContext git, bool? keepGitDirectory = null) => GitReference.TryParse(git.Url) is { } reference
        ? GitSourceOp.Of(reference with { KeepGitDir = reference.KeepGitDir ?? keepGitDirectory })
        : throw new KimgException(ErrorCode.InvalidArgument, "the context is not the address of a git repository") { Hint = "write https://host/repo.git#ref:directory" };

    private async Task<OpenedContext> OpenAsync(GitSourceOp op, CancellationToken cancellationToken)
    {
        GitCheckout checkout = await remote.Git.CheckoutAsync(op, cancellationToken);
        return new OpenedContext(checkout.Directory) { Origin = new Vertex(op, [], new VertexMeta("[internal] load git source")) };
    }

    // An archive is the context; anything else is a Dockerfile on its own, in a context that holds nothing but it.
    private async Task<OpenedContext> OpenAsync(HttpContext http, CancellationToken cancellationToken)
    {
        const string name = "context";
        var op = new HttpSourceOp(http.Url) { FileName = name };
        HttpDownload file = await remote.Http.FetchAsync(http.Url, null, null, cancellationToken);
        string directory = temporary.MakeEmpty();
        bool archive = remote.IsArchive(file);
        await using Stream bytes = remote.Open(file);
        var origin = new Vertex(op, [], new VertexMeta("[internal] load remote build context"));
        if (archive) return await ExtractAsync(bytes, directory, cancellationToken) with { Origin = origin };
        await using (FileStream copy = File.Create(Path.Combine(directory, name))) await bytes.CopyToAsync(copy, cancellationToken);
        return new OpenedContext(directory) { Dockerfile = name, Origin = origin };
    }

    private static async Task<OpenedContext> ExtractAsync(Stream tar, string directory, CancellationToken cancellationToken) =>
        new(directory) { Headers = await Task.Run(() => TarExtraction.Extract(tar, directory, cancellationToken), cancellationToken) };
}

/// <param name="Directory">On this machine; null when the context has no files.</param>
internal sealed record OpenedContext(string? Directory)
{
    // As the kernel's.
    private const int MaxLinks = 40;

    /// <summary>The user's own directory: ignore files count, and --file may lead out of it. Everything else is somebody's upload.</summary>
    public bool IsLocal { get; init; }

    /// <summary>The Dockerfile, when the context is nothing but that.</summary>
    public string? Dockerfile { get; init; }

    /// <summary>The source it was fetched from; null when it was not.</summary>
    public Vertex? Origin { get; init; }

    /// <summary>What the archive it was unpacked from says of its files; null: what they say themselves.</summary>
    public ContextHeaders? Headers { get; init; }

    /// <summary>A directory inside the context in place of the whole of it. Only the user's own context is followed through symlinks, and none is left by one.</summary>
    /// <exception cref="KimgException">ContextNotFound.</exception>
    public OpenedContext At(string path)
    {
        ImagePath below = ImagePath.Normalize(path);
        if (Directory is not null && Inside(Directory, below) is { } found && System.IO.Directory.Exists(found))
        {
            ContextHeaders? headers = Headers is { } whole ? inner => whole(below.Combine(inner.Value)) : null;
            return this with { Directory = found, Headers = headers };
        }

        throw new KimgException(ErrorCode.ContextNotFound, $"the context has no directory '{path}'") { Hint = "the sub-path is relative to the root of the context, and no symlink on it leads out" };
    }

    // Whoever committed a link must not choose what of this machine is the context. null: a link leads out, or to itself.
    private string? Inside(string root, ImagePath below)
    {
        var ahead = new Stack<string>(Enumerable.Reverse(below.Value.Split('/')));
        var behind = new List<string>();
        for (int links = 0; ahead.TryPop(out string? name);)
        {
            if (name is "" or ".") continue;
            if (name == "..")
            {
                if (behind.Count == 0) return null;
                behind.RemoveAt(behind.Count - 1);
                continue;
            }

            behind.Add(name);
            if (new DirectoryInfo(Path.Combine([root, .. behind])).LinkTarget is not { } target) continue;
            if (!IsLocal || Path.IsPathRooted(target) || ++links > MaxLinks) return null;
            behind.RemoveAt(behind.Count - 1);
            foreach (string part in Enumerable.Reverse(target.Split('/', Path.DirectorySeparatorChar))) ahead.Push(part);
        }

        return Path.Combine([root, .. behind]);
    }
}
