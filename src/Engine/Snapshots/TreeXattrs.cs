using System.Collections.Immutable;
using Kimg.Engine.Native;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Snapshots;

/// <summary>Which extended attributes a layer carries, and how they stand in a driver's directories. Kept: file capabilities and the <c>user</c>
/// namespace. Overlayfs with <c>userxattr</c> takes <c>user.overlay.*</c> for itself: an attribute of that name in a layer is escaped as
/// <c>user.overlay.overlay.*</c>, which is how it shows up through the mount as itself (Documentation/filesystems/overlayfs.rst).</summary>
internal static class TreeXattrs
{
    internal const string Capability = "security.capability";

    private const string User = "user.", Overlay = "user.overlay.", Escaped = "user.overlay.overlay.";

    // fuse-overlayfs' and containers/storage's own bookkeeping.
    private static readonly string[] s_foreign = ["user.fuseoverlayfs.", "user.containers.", "user.kimg."];

    /// <summary>The attributes a layer would carry; null when none.</summary>
    internal static ImmutableSortedDictionary<string, ImmutableArray<byte>>? Read(SafeFileHandle file, bool overlay)
    {
        ImmutableSortedDictionary<string, ImmutableArray<byte>>.Builder? kept = null;
        foreach (string stored in Xattrs.List(file))
        {
            if (Name(stored, overlay) is not { } name || Xattrs.Get(file, stored) is not { } value) continue;
            kept ??= ImmutableSortedDictionary.CreateBuilder<string, ImmutableArray<byte>>(StringComparer.Ordinal);
            kept[name] = [.. value];
        }

        return kept?.ToImmutable();
    }

    /// <summary>Sets what the layer says. An attribute that this file system or a user namespace does not allow is left out, as in containerd.</summary>
    internal static void Write(SafeFileHandle file, ImmutableSortedDictionary<string, ImmutableArray<byte>>? xattrs, bool overlay)
    {
        if (xattrs is null) return;
        foreach ((string name, ImmutableArray<byte> value) in xattrs)
        {
            if (!name.StartsWith(User, StringComparison.Ordinal) && name != Capability) continue;
            string stored = overlay && name.StartsWith(Overlay, StringComparison.Ordinal) ? Escaped + name[Overlay.Length..] : name;
            if (Xattrs.Set(file, stored, value.AsSpan()) is not (0 or Errno.EOPNOTSUPP or Errno.EPERM) and var error)
                throw new SyscallException("fsetxattr", error, name);
        }
    }

    /// <summary>Copies every attribute that can be copied, as it stands.</summary>
    internal static void Copy(SafeFileHandle source, SafeFileHandle target)
    {
        foreach (string name in Xattrs.List(source))
        {
            if (Xattrs.Get(source, name) is { } value && Xattrs.Set(target, name, value) is not (0 or Errno.EOPNOTSUPP or Errno.EPERM) and var error)
                throw new SyscallException("fsetxattr", error, name);
        }
    }

    /// <summary>Copies what a layer would carry from one directory of an overlay to another; not what says how it hides those below.</summary>
    internal static void CopyCarried(SafeFileHandle source, SafeFileHandle target) => Write(target, Read(source, overlay: true), overlay: true);

    /// <summary>Removes all that <see cref="Read"/> would find.</summary>
    internal static void Clear(SafeFileHandle file)
    {
        foreach (string name in Xattrs.List(file))
        {
            if (Name(name, overlay: false) is not null && Xattrs.Remove(file, name) is not (0 or Errno.ENODATA) and var error)
                throw new SyscallException("fremovexattr", error, name);
        }
    }

    internal static bool IsOpaque(SafeFileHandle directory) =>
        Xattrs.Get(directory, "user.overlay.opaque") is [(byte)'y'] || Xattrs.Get(directory, "user.fuseoverlayfs.opaque") is [(byte)'y'];

    internal static void MakeOpaque(SafeFileHandle directory)
    {
        if (Xattrs.Set(directory, "user.overlay.opaque", "y"u8) is not 0 and var error)
            throw new SyscallException("fsetxattr", error, "user.overlay.opaque");
    }

    internal static bool Same(ImmutableSortedDictionary<string, ImmutableArray<byte>>? left, ImmutableSortedDictionary<string, ImmutableArray<byte>>? right)
    {
        if (left is null || right is null) return left is null && right is null;
        return left.Count == right.Count
            && left.Zip(right).All(p => p.First.Key == p.Second.Key && p.First.Value.AsSpan().SequenceEqual(p.Second.Value.AsSpan()));
    }

    private static string? Name(string stored, bool overlay)
    {
        if (stored == Capability) return stored;
        if (!stored.StartsWith(User, StringComparison.Ordinal) || s_foreign.Any(f => stored.StartsWith(f, StringComparison.Ordinal))) return null;
        if (!overlay || !stored.StartsWith(Overlay, StringComparison.Ordinal)) return stored;
        return stored.StartsWith(Escaped, StringComparison.Ordinal) ? Overlay + stored[Escaped.Length..] : null;
    }
}
