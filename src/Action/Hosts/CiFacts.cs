namespace Kimg.Ci.Hosts;

/// <summary>What a CI host tells about the run, in GitHub's terms.</summary>
internal sealed record CiFacts
{
    /// <summary><c>refs/heads/NAME</c>, <c>refs/tags/NAME</c>, <c>refs/pull/NUMBER/merge</c>; "" when it is not known.</summary>
    public string Ref { get; init; } = "";

    public string Commit { get; init; } = "";

    /// <summary>The last commit of a pull request itself, where <see cref="Commit"/> is another; null when it is not known.</summary>
    public string? HeadCommit { get; init; }

    /// <summary>push, pull_request, schedule, …; "" when it is not known.</summary>
    public string Event { get; init; } = "";

    public string? DefaultBranch { get; init; }

    /// <summary>The branch a pull request is to be merged into, or the one a tag was pushed from.</summary>
    public string? BaseBranch { get; init; }

    /// <summary>Without owner.</summary>
    public string Repository { get; init; } = "";

    public string Description { get; init; } = "";

    /// <summary>The repository's page, by <see cref="UrlOf"/>; "" when it is not known.</summary>
    public string Url { get; init; } = "";

    /// <summary>SPDX.</summary>
    public string License { get; init; } = "";

    /// <summary>The host's own, or given by the pipeline; null when it is not known.</summary>
    public DateTimeOffset? CommitDate { get; init; }

    /// <summary>The page of this run; null when it is not known.</summary>
    public string? RunUrl { get; init; }

    /// <summary>Who ran it, as a URI: the workflow, runner, pipeline or server, whichever the host names; null when it is not known.</summary>
    public string? Builder { get; init; }

    /// <summary>Where the image goes when nobody says where; null when the host has no registry.</summary>
    public string? DefaultImage { get; init; }

    /// <summary>The checkout; null when it is not known.</summary>
    public string? Workspace { get; init; }

    public string? Branch => After("refs/heads/");

    public string? Tag => After("refs/tags/");

    /// <summary>The number of the pull or merge request, or null.</summary>
    public string? PullRequest => After("refs/pull/")?.Split('/')[0];

    public static string RefOf(string? tag, string? pullRequest, string? branch) =>
        !string.IsNullOrEmpty(tag) ? "refs/tags/" + tag
        : !string.IsNullOrEmpty(pullRequest) && pullRequest != "false" ? $"refs/pull/{pullRequest}/merge"
        : !string.IsNullOrEmpty(branch) ? "refs/heads/" + branch : "";

    /// <summary>A clone URL as a page: https for what is fetched by ssh; without user and password, which some hosts put there and labels must not hold.</summary>
    public static string UrlOf(string? clone)
    {
        if (string.IsNullOrEmpty(clone)) return "";
        if (!clone.Contains("://", StringComparison.Ordinal))
        {
            int at = clone.IndexOf('@'), colon = clone.IndexOf(':', at + 1);
            return at > 0 && colon > at ? $"https://{clone[(at + 1)..colon]}/{clone[(colon + 1)..].TrimStart('/')}" : clone;
        }

        if (!Uri.TryCreate(clone, UriKind.Absolute, out Uri? url)) return "";
        string host = url.Scheme is "ssh" or "git+ssh" or "git" ? url.Host : url.Authority, scheme = url.Scheme is "http" ? "http" : "https";
        return $"{scheme}://{host}{url.AbsolutePath}";
    }

    private string? After(string prefix) => Ref.StartsWith(prefix, StringComparison.Ordinal) ? Ref[prefix.Length..] : null;
}
