using Kimg.Engine.Oci;

namespace Kimg.Cli.Facade;

/// <summary>Where an image is, as push, pull, copy and inspect take it.</summary>
internal abstract record ImageLocation;

/// <summary>NAME: in a registry.</summary>
internal sealed record RegistryLocation(ImageReference Reference) : ImageLocation;

/// <summary>store://NAME: in kimg's own store.</summary>
internal sealed record StoreLocation(ImageReference Reference) : ImageLocation;

/// <summary>oci-layout://DIRECTORY[:TAG]</summary>
internal sealed record LayoutLocation(string Directory, string? Tag) : ImageLocation;
