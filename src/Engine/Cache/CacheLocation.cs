using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Cache;

/// <summary>Where a build cache is kept between machines. Names left out are chosen from what is built.</summary>
public abstract record CacheLocation;

/// <summary>An artifact in a registry; for import also an image with an inline cache.</summary>
public sealed record RegistryCache(ImageReference Reference) : CacheLocation
{
    public override string ToString() => Reference.Familiar;
}

/// <summary>An OCI layout directory.</summary>
/// <param name="Directory">Absolute.</param>
/// <param name="Digest">For import: this very cache, whatever the tag says.</param>
public sealed record LocalCache(string Directory, string Tag = "latest", Digest? Digest = null) : CacheLocation
{
    /// <summary>For export: remove what the layout's index no longer leads to.</summary>
    public bool Reset { get; init; }

    public override string ToString() => Directory;
}

/// <summary>Inside the image that is built; only exported. It is imported as a <see cref="RegistryCache"/>.</summary>
public sealed record InlineCache : CacheLocation
{
    public override string ToString() => "inline";
}
