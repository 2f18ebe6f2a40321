using System.Collections.Immutable;

namespace Kimg.Ci.Metadata;

/// <summary>The inputs of docker/metadata-action, one element a line; what they mean is said there.</summary>
internal sealed record MetadataInput
{
    public ImmutableArray<string> Images { get; init; } = [];

    /// <summary>Empty: its default rules (schedule, branch, tag, pull request).</summary>
    public ImmutableArray<string> Tags { get; init; } = [];

    public ImmutableArray<string> Flavor { get; init; } = [];

    public ImmutableArray<string> Labels { get; init; } = [];

    public ImmutableArray<string> Annotations { get; init; } = [];

    /// <summary>Characters of a short commit.</summary>
    public int ShortCommit { get; init; } = 7;
}

/// <param name="Version">The tag of the highest priority; null: no rule applied.</param>
/// <param name="TagNames">Tags without image.</param>
/// <param name="Tags">IMAGE:TAG for every image.</param>
internal sealed record MetadataResult(
    string? Version,
    ImmutableArray<string> TagNames,
    ImmutableArray<string> Tags,
    ImmutableSortedDictionary<string, string> Labels,
    ImmutableSortedDictionary<string, string> Annotations,
    ImmutableArray<string> Notices);
