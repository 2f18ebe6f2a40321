using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Kimg.Engine.Content;
using Kimg.Engine.Graph;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sources;

/// <summary>Git repositories as trees of files. Objects are kept between builds in a bare repository per remote, so a known commit is not fetched again; each
/// source is checked out once per build.</summary>
/// <param name="secret">GIT_AUTH_HEADER and GIT_AUTH_TOKEN, also with <c>.host</c>, are asked of it.</param>
/// <param name="agent">Socket of the ssh agent; null: none.</param>
/// <param name="makeDirectory">A new empty directory that lives as long as the build.</param>
internal sealed partial class GitRepositories(
    GitOptions options, Func<string, CancellationToken, Task<byte[]?>> secret, Func<string?> agent, Func<string> makeDirectory, TimeProvider time)
{
    private static readonly SearchValues<char> s_hex = SearchValues.Create("0123456789abcdef");

    private readonly GitProgram _git = new(options);
    private readonly ConcurrentDictionary<GitSourceOp, Lazy<Task<GitCheckout>>> _known = new();

    /// <exception cref="KimgException">GitFailed, ProgramMissing, ChecksumMismatch, InvalidArgument, FileNotFoundInContext (the subdirectory).</exception>
    public Task<GitCheckout> CheckoutAsync(GitSourceOp op, CancellationToken cancellationToken) =>
        _known.GetOrAdd(op, _ => new(() => CheckoutNewAsync(op, cancellationToken))).Value;

    /// <summary>The file that is locked while a repository is fetched into; its time says when the repository was last used.</summary>
    internal static string LockOf(string repository) => repository + ".lock";

    /// <summary>True for a whole commit id, SHA-1 or SHA-256.</summary>
    public static bool IsCommit(string? text) => text is { Length: 40 or 64 } && !text.AsSpan().ContainsAnyExcept(s_hex);

    private async Task<GitCheckout> CheckoutNewAsync(GitSourceOp op, CancellationToken cancellationToken)
    {
        Check(op);
        GitAccess access = await GitCredentials.AccessAsync(op.Remote, secret, agent, cancellationToken);
        Directory.CreateDirectory(options.Directory);
        GitTarget target = await ResolveAsync(access, op, cancellationToken);
        string repository = Path.Combine(options.Directory, Digest.Sha256(access.Remote).Hex[..32] + (target.Commit.Length == 64 ? "-sha256" : ""));
        using (await LockAsync(LockOf(repository), cancellationToken)) await FetchAsync(access, repository, target, cancellationToken);
        LastUse.Find(LockOf(repository));
        string when = await _git.RunAsync(access, repository, ["log", "-1", "--format=%ct", target.Commit], cancellationToken);
        long committed = long.Parse(when, CultureInfo.InvariantCulture);
        string directory = makeDirectory();
        await new GitWorkTree(_git, access, repository, directory).MakeAsync(target, op, cancellationToken);
        GitWorkTree.Normalize(directory, op.ModificationTime == "commit" ? committed : FirstCheckout(repository, target.Commit));
        return new GitCheckout(op.Subdir is { } subdir ? Below(directory, subdir, access) : directory, target.Commit, committed);
    }

    private static void Check(GitSourceOp op)
    {
        if (op.Remote.StartsWith('-') || op.Remote.Any(char.IsControl))
            throw new KimgException(ErrorCode.InvalidArgument, "this is not the address of a git repository") { Hint = "write https://host/repo.git" };
        if (op.Ref is { } name && !RefPattern().IsMatch(name))
            throw new KimgException(ErrorCode.InvalidArgument, $"'{name}' is not a git reference") { Hint = "give a branch, a tag, refs/… or a whole commit id" };
        if (op.Checksum is { } checksum && !ChecksumPattern().IsMatch(checksum))
            throw new KimgException(ErrorCode.InvalidDigest, $"'{checksum}' is not a commit id") { Hint = "it is 7 to 64 lower-case hexadecimal digits" };
        if (op.FetchByCommit && !IsCommit(op.Checksum) && !IsCommit(op.Ref))
            throw new KimgException(ErrorCode.InvalidArgument, "fetch-by-commit needs a whole commit id") { Hint = "add checksum=COMMIT" };
    }

    private async Task<GitTarget> ResolveAsync(GitAccess access, GitSourceOp op, CancellationToken cancellationToken)
    {
        if (op.FetchByCommit && IsCommit(op.Checksum)) return new GitTarget(op.Checksum!, null, null);
        GitTarget target = IsCommit(op.Ref) ? new GitTarget(op.Ref!, null, null) : await AskAsync(access, op.Ref, cancellationToken);
        if (op.Checksum is { } expected && !target.Commit.StartsWith(expected, StringComparison.Ordinal)
            && target.Tag?.StartsWith(expected, StringComparison.Ordinal) != true)
        {
            throw new KimgException(ErrorCode.ChecksumMismatch, $"'{op.Ref ?? "HEAD"}' of '{access.Shown}' is {target.Commit}, expected {expected}")
            {
                Hint = "the reference has moved: check what changed, then correct the checksum",
            };
        }

        return target;
    }

    // As git checkout: a branch goes before a tag of the same name.
    private async Task<GitTarget> AskAsync(GitAccess access, string? name, CancellationToken cancellationToken)
    {
        string[] candidates = name is null ? ["HEAD"]
            : name.StartsWith("refs/", StringComparison.Ordinal) ? [name] : [$"refs/heads/{name}", $"refs/tags/{name}", $"refs/{name}", name];
        string listing = await _git.RunAsync(
            access, options.Directory, ["ls-remote", "--quiet", "--", access.Remote, .. candidates, .. candidates.Select(c => c + "^{}")], cancellationToken);
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string line in listing.Split('\n'))
        {
            if (line.Split('\t') is [var id, var reference] && IsCommit(id)) found[reference] = id;
        }

        foreach (string candidate in candidates)
        {
            if (!found.TryGetValue(candidate, out string? id)) continue;
            return found.TryGetValue(candidate + "^{}", out string? peeled) ? new GitTarget(peeled, id, candidate) : new GitTarget(id, null, candidate);
        }

        throw new KimgException(ErrorCode.GitFailed, name is null ? $"'{access.Shown}' has no commits" : $"'{access.Shown}' has no branch or tag '{name}'")
        {
            Hint = "a commit is named by its whole id",
        };
    }

    private async Task FetchAsync(GitAccess access, string repository, GitTarget target, CancellationToken cancellationToken)
    {
        if (!File.Exists(Path.Combine(repository, "HEAD")))
        {
            string format = target.Commit.Length == 64 ? "sha256" : "sha1";
            await _git.RunAsync(access, options.Directory, ["init", "--quiet", "--bare", "--template=", "--object-format=" + format, "--", repository], cancellationToken);
        }

        if (await HasAsync(access, repository, target, cancellationToken)) return;
        string keep = "refs/kimg/" + target.Commit;
        string error = "";
        IEnumerable<string[]> ways =
        [
            .. target.Reference is { } name ? new[] { new[] { "--depth=1", "--no-tags", "--", access.Remote, $"+{name}:{keep}" } } : [],
            ["--depth=1", "--no-tags", "--", access.Remote, $"+{target.Commit}:{keep}"],

            // A server that gives only what it advertises.
            [.. File.Exists(Path.Combine(repository, "shallow")) ? new[] { "--unshallow" } : [], "--tags", "--", access.Remote, "+refs/heads/*:refs/remotes/origin/*"],
        ];
        foreach (string[] way in ways)
        {
            (int exit, _, error) = await _git.TryRunAsync(access, repository, ["fetch", "--quiet", "--force", "--no-write-fetch-head", .. way], cancellationToken);
            if (exit != 0 || !await HasAsync(access, repository, target, cancellationToken)) continue;
            await _git.RunAsync(access, repository, ["update-ref", keep, target.Commit], cancellationToken);
            return;
        }

        throw error.Length > 0 ? GitProgram.Failed(access, error)
            : new KimgException(ErrorCode.GitFailed, $"'{access.Shown}' has no commit {target.Commit}") { Hint = "the commit must be on a branch or tag of the remote" };
    }

    private async Task<bool> HasAsync(GitAccess access, string repository, GitTarget target, CancellationToken cancellationToken) =>
        (await _git.TryRunAsync(access, repository, ["cat-file", "-e", target.Commit + "^{tree}"], cancellationToken)).Exit == 0;

    // Files get the time of the first checkout of their commit here, and keep it in later builds.
    private long FirstCheckout(string repository, string commit)
    {
        string file = Path.Combine(repository, "kimg-checkouts", commit);
        if (File.Exists(file)) return new DateTimeOffset(File.GetLastWriteTimeUtc(file)).ToUnixTimeSeconds();
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        DateTimeOffset now = time.GetUtcNow();
        File.WriteAllText(file, "");
        File.SetLastWriteTimeUtc(file, now.UtcDateTime);
        return now.ToUnixTimeSeconds();
    }

    private static string Below(string directory, string subdir, GitAccess access)
    {
        string path = directory;
        foreach (string part in ImagePath.Normalize(subdir).Parts)
        {
            path = Path.Combine(path, part);
            if (new DirectoryInfo(path) is { Exists: true, LinkTarget: null }) continue;
            throw new KimgException(ErrorCode.FileNotFoundInContext, $"'{access.Shown}' has no directory '{subdir}'") { Hint = "the subdirectory is relative to the root of the repository" };
        }

        return path;
    }

    private async Task<FileLock> LockAsync(string path, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (FileLock.TryAcquire(path, exclusive: true) is { } held) return held;
            await Task.Delay(TimeSpan.FromMilliseconds(50), cancellationToken);
        }
    }

    [GeneratedRegex(@"^(?!-)(?!.*(\.\.|@\{|//|\.lock(/|\z)))[^\s~^:?*\[\\\x00-\x20\x7f]+(?<![/.])\z")]
    private static partial Regex RefPattern();

    [GeneratedRegex(@"^[0-9a-f]{7,64}\z")]
    private static partial Regex ChecksumPattern();
}

/// <summary>What a source stands for.</summary>
/// <param name="Tag">Id of the annotated tag that points at the commit, or null.</param>
/// <param name="Reference">Whole name of the reference on the remote; null when it was given by its id.</param>
internal sealed record GitTarget(string Commit, string? Tag, string? Reference);

/// <param name="Directory">On this machine; gone when the build ends.</param>
/// <param name="Committed">Seconds since 1970.</param>
internal sealed record GitCheckout(string Directory, string Commit, long Committed);
