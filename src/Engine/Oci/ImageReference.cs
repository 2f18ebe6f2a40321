using System.Text.RegularExpressions;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Oci;

/// <summary><c>registry/repository[:tag][@digest]</c>, normalised as Docker does (docker.io, library/, latest); grammar of
/// distribution/reference.</summary>
public sealed partial record ImageReference(string Registry, string Repository, string? Tag, Digest? Digest)
{
    public const string DockerHub = "docker.io";

    /// <summary>Parses a name as a user writes it. Without tag and digest the tag is <c>latest</c>.</summary>
    /// <exception cref="KimgException">Upper case in the repository, a bad tag or digest, an empty or too long name.</exception>
    public static ImageReference Parse(string text)
    {
        string rest = text;
        Digest? digest = null;
        int at = rest.IndexOf('@');
        if (at >= 0)
        {
            digest = Primitives.Digest.TryParse(rest.AsSpan(at + 1), out Digest d) ? d : throw Invalid(text, "the part after '@' is not a digest");
            rest = rest[..at];
        }

        string? tag = null;
        int colon = rest.LastIndexOf(':');
        if (colon > rest.LastIndexOf('/'))
        {
            tag = rest[(colon + 1)..];
            if (!TagPattern().IsMatch(tag)) throw Invalid(text, $"'{tag}' is not a tag");
            rest = rest[..colon];
        }

        int slash = rest.IndexOf('/');
        string registry = DockerHub, repository = rest;
        if (slash > 0 && IsRegistry(rest[..slash])) (registry, repository) = (rest[..slash], rest[(slash + 1)..]);
        if (registry is "index.docker.io" or "registry-1.docker.io") registry = DockerHub;
        if (registry == DockerHub && !repository.Contains('/')) repository = "library/" + repository;
        if (!RepositoryPattern().IsMatch(repository))
        {
            throw Invalid(text, repository.Any(char.IsUpper)
                ? "a repository name must be lower case"
                : $"'{repository}' is not a repository name");
        }

        if (repository.Length + registry.Length > 255) throw Invalid(text, "it is longer than 255 characters");
        return new ImageReference(registry, repository, tag ?? (digest is null ? "latest" : null), digest);
    }

    public static bool TryParse(string text, out ImageReference? reference)
    {
        try
        {
            reference = Parse(text);
            return true;
        }
        catch (KimgException)
        {
            reference = null;
            return false;
        }
    }

    /// <summary>As Docker prints it: docker.io and library/ omitted.</summary>
    public string Familiar =>
        (Registry == DockerHub ? Repository.StartsWith("library/", StringComparison.Ordinal) ? Repository[8..] : Repository : $"{Registry}/{Repository}")
        + (Tag is null ? "" : ":" + Tag) + (Digest is { } d ? "@" + d : "");

    public string Name => $"{Registry}/{Repository}";

    public override string ToString() => Name + (Tag is null ? "" : ":" + Tag) + (Digest is { } d ? "@" + d : "");

    private static bool IsRegistry(string first) =>
        first == "localhost" || first.Contains('.') || first.Contains(':') || first.Any(char.IsUpper);

    private static KimgException Invalid(string text, string why) => new(ErrorCode.InvalidReference, $"invalid image name '{text}': {why}")
    {
        Hint = "a name looks like registry.example.com/team/app:1.2 or app@sha256:…",
    };

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\z")]
    internal static partial Regex TagPattern();

    [GeneratedRegex(@"^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*\z")]
    internal static partial Regex RepositoryPattern();
}
