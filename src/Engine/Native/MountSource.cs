using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Kimg.Engine.Native;

/// <summary>What is mounted, as data: made by a snapshotter, carried out inside the step's mount namespace. Paths are the host's.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(OverlaySource), "overlay")]
[JsonDerivedType(typeof(FuseOverlaySource), "fuse-overlay")]
[JsonDerivedType(typeof(BindSource), "bind")]
[JsonDerivedType(typeof(TmpfsSource), "tmpfs")]
public abstract record MountSource;

/// <summary>Kernel overlayfs. <paramref name="Lower"/> bottom first; without upper and work directory it is read-only (a single lower directory
/// is then simply bound).</summary>
public sealed record OverlaySource(ImmutableArray<string> Lower, string? Upper, string? Work) : MountSource;

/// <summary>The same through the fuse-overlayfs program.</summary>
public sealed record FuseOverlaySource(ImmutableArray<string> Lower, string? Upper, string? Work) : MountSource;

public sealed record BindSource(string Path, bool ReadOnly) : MountSource;

/// <summary>Size in bytes; null: the kernel's default.</summary>
public sealed record TmpfsSource(long? Size) : MountSource;
