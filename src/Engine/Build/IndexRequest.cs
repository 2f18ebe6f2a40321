using System.Collections.Immutable;

namespace Kimg.Engine.Build;

/// <summary>An index to be made of images that are built already.</summary>
/// <param name="Sources">Images and indexes; of an index all of its images, attestations included.</param>
/// <param name="Destinations">Names it gets.</param>
public sealed record IndexRequest(ImmutableArray<ImageLocation> Sources, ImmutableArray<ImageLocation> Destinations)
{
    /// <summary>Begin with what the first destination names; an image of the same platform takes the place of the one that is there.</summary>
    public bool Append { get; init; }

    /// <summary>Write nothing; only make it.</summary>
    public bool DryRun { get; init; }

    /// <summary>Levels index and manifest-descriptor.</summary>
    public ImmutableArray<Annotation> Annotations { get; init; } = [];
}
