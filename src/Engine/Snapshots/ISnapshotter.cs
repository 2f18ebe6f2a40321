using System.Collections.Immutable;
using Kimg.Engine.Native;

namespace Kimg.Engine.Snapshots;

/// <summary>Keeps layers as directories under one root directory and gives mounts of chains of them. Works inside the worker (ids mapped). Every
/// implementation makes byte-identical layers; the contract tests run all of them. Directories appear by rename, so several processes may
/// share one root; the loser of a race throws its copy away.</summary>
public interface ISnapshotter
{
    /// <summary><c>overlay</c>, <c>fuse-overlayfs</c> or <c>native</c> (copies).</summary>
    string Driver { get; }

    bool Exists(SnapshotKey key);

    /// <summary>Makes the directory of <paramref name="chain"/>'s last key from a normalised layer tar: every entry's parents are in the tar
    /// or the tar needs none, and hard links stay inside it.</summary>
    /// <param name="chain">Keys of all prefixes, bottom first; all but the last exist.</param>
    void Apply(ImmutableArray<SnapshotKey> chain, Stream tar, CancellationToken cancellationToken);

    /// <summary>Begins a writable snapshot on top of a chain (empty: scratch).</summary>
    ActiveSnapshot Prepare(ImmutableArray<SnapshotKey> parents);

    /// <summary>A read-only view of a chain.</summary>
    MountSource View(ImmutableArray<SnapshotKey> chain);

    /// <summary>The writes since <see cref="Prepare"/> become the directory of <paramref name="key"/>. Nothing may be mounted from it any more.</summary>
    void Commit(ActiveSnapshot active, SnapshotKey key);

    /// <summary>Throws an active snapshot away.</summary>
    void Discard(ActiveSnapshot active);

    /// <summary>The entries of the top layer of a directory: what was applied or what a step changed. Offsets are absent.</summary>
    LayerIndex Scan(SnapshotKey key);

    /// <summary>The canonical tar of the top layer.</summary>
    void WriteTar(SnapshotKey key, Stream output, CancellationToken cancellationToken);

    /// <summary>Opens a regular file of the top layer for reading; never follows a symlink out of it.</summary>
    Microsoft.Win32.SafeHandles.SafeFileHandle Open(SnapshotKey key, Primitives.ImagePath path);

    void Remove(SnapshotKey key);
}

/// <summary>A writable snapshot being filled.</summary>
/// <param name="Id">Unique.</param>
/// <param name="Root">The mount that shows and takes the writes.</param>
public sealed record ActiveSnapshot(string Id, ImmutableArray<SnapshotKey> Parents, MountSource Root);
