using Kimg.Engine.Oci;

namespace Kimg.Engine.Build;

/// <summary>Where an image is, as push, pull, copy and inspect take it.</summary>
public abstract record ImageLocation;

/// <summary>NAME: in a registry.</summary>
public sealed record RegistryLocation(ImageReference Reference) : ImageLocation
{
    public override string ToString() => Reference.ToString();
}

/// <summary>store://NAME: in kimg's own store.</summary>
public sealed record StoreLocation(ImageReference Reference) : ImageLocation
{
    public override string ToString() => "store://" + Reference;
}

/// <summary>oci-archive://FILE[:TAG]: an OCI layout as one tar, as <c>-o type=oci</c> writes it. It is read only.</summary>
/// <param name="File">Absolute.</param>
/// <param name="Tag">null: the only image there is.</param>
public sealed record ArchiveLocation(string File, string? Tag) : ImageLocation
{
    public override string ToString() => $"oci-archive://{File}{(Tag is null ? "" : ":" + Tag)}";
}

/// <summary>oci-layout://DIRECTORY[:TAG]</summary>
/// <param name="Directory">Absolute.</param>
/// <param name="Tag">null: the only image there is.</param>
public sealed record LayoutLocation(string Directory, string? Tag) : ImageLocation
{
    public override string ToString() => $"oci-layout://{Directory}{(Tag is null ? "" : ":" + Tag)}";
}
