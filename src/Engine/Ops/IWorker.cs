using System.Collections.Immutable;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Ops;

/// <summary>The worker process as the engine's operations see it: unpack, run, diff; it holds no secret and decides nothing. Started at the first
/// call. Thread-safe: calls run side by side.</summary>
public interface IWorker : IAsyncDisposable
{
    /// <summary>True when the directory is there already, which is then used (prune goes by it); asked without starting the worker.</summary>
    bool HasDirectory(SnapshotKey key);

    /// <summary>Whether a layer's directory can be begun before those below it are there: they need only be when its tar ends.</summary>
    ValueTask<bool> LayersStandAloneAsync(CancellationToken cancellationToken);

    /// <summary>See <see cref="ISnapshotter.Apply"/>. <paramref name="writeTar"/> writes the normalised tar into a pipe to the worker.</summary>
    Task ApplyAsync(ImmutableArray<SnapshotKey> chain, Func<Stream, CancellationToken, Task> writeTar, CancellationToken cancellationToken);

    /// <summary>Runs a step and, when it exits with 0 and <see cref="StepRequest.Result"/> is given, keeps its writes under that key. Cancelling kills the step and
    /// everything it started.</summary>
    Task<StepResult> RunAsync(StepRequest request, StepIo io, CancellationToken cancellationToken);

    Task<LayerIndex> ScanAsync(SnapshotKey key, CancellationToken cancellationToken);

    Task WriteTarAsync(SnapshotKey key, Stream output, CancellationToken cancellationToken);

    /// <summary>Opens regular files of the directory's top layer, in order.</summary>
    Task<IReadOnlyList<SafeFileHandle>> OpenAsync(SnapshotKey key, IReadOnlyList<ImagePath> paths, CancellationToken cancellationToken);

    /// <summary>SHA-256 of regular files of the directory's top layer, in order, hashed in parallel by the worker.</summary>
    Task<IReadOnlyList<Digest>> HashAsync(SnapshotKey key, IReadOnlyList<ImagePath> paths, CancellationToken cancellationToken);

    /// <summary>Writes everything in a cache mount as a tar.</summary>
    /// <param name="maxSize">Bytes of files; a larger one is an error.</param>
    Task SaveMountAsync(string tree, long maxSize, Stream output, CancellationToken cancellationToken);

    /// <summary>Makes a cache mount out of a tar, unless there is one with something in it.</summary>
    /// <param name="maxSize">Bytes of files.</param>
    Task LoadMountAsync(StoredMount mount, long maxSize, Func<Stream, CancellationToken, Task> writeTar, CancellationToken cancellationToken);

    /// <summary>Removes directories and trees below the state directory that mapped ids own (snapshots, cache mounts).</summary>
    Task RemoveAsync(IReadOnlyList<SnapshotKey> keys, IReadOnlyList<string> trees, CancellationToken cancellationToken);
}

/// <summary>A cache mount's directory.</summary>
/// <param name="Tree">Absolute, in the state directory's folder of mounts.</param>
public sealed record StoredMount(string Tree, int Mode, uint Uid, uint Gid);

/// <summary>A step: everything it can observe, resolved; pure data.</summary>
public sealed record StepRequest
{
    /// <summary>The chain of its root file system, bottom first; empty: scratch.</summary>
    public required ImmutableArray<SnapshotKey> Root { get; init; }

    /// <summary>The key its writes are kept under; null: they are thrown away.</summary>
    public SnapshotKey? Result { get; init; }

    public required ImmutableArray<string> Args { get; init; }

    public ImmutableArray<string> Env { get; init; } = [];

    public string WorkingDirectory { get; init; } = "/";

    /// <summary><c>user[:group]</c>; the worker looks names up in the root's /etc/passwd and /etc/group (no NSS); null: root.</summary>
    public string? User { get; init; }

    public string Hostname { get; init; } = "buildkitsandbox";

    public NetworkMode Network { get; init; }

    public SecurityMode Security { get; init; }

    /// <summary>Whole contents of /etc/hosts and /etc/resolv.conf as the step sees them; not part of the layer.</summary>
    public required string HostsFile { get; init; }

    public required string ResolvConf { get; init; }

    public ImmutableArray<Ulimit> Ulimits { get; init; } = [];

    public long? ShmSize { get; init; }

    /// <summary>Architecture of its programs when this machine does not run them by itself.</summary>
    public string? ForeignArchitecture { get; init; }

    /// <summary>A static emulator for them, absolute; null: only the host may know one.</summary>
    public string? Emulator { get; init; }

    /// <summary>In the order given; sorted by depth before mounting.</summary>
    public ImmutableArray<StepMount> Mounts { get; init; } = [];
}

/// <summary>A resolved RUN --mount. Target is absolute in the step's root.</summary>
[System.Text.Json.Serialization.JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[System.Text.Json.Serialization.JsonDerivedType(typeof(TreeMount), "tree")]
[System.Text.Json.Serialization.JsonDerivedType(typeof(HostMount), "host")]
[System.Text.Json.Serialization.JsonDerivedType(typeof(EmptyMount), "tmpfs")]
[System.Text.Json.Serialization.JsonDerivedType(typeof(FileMount), "file")]
public abstract record StepMount(string Target);

/// <summary>A path of a chain; writable mounts take writes that are thrown away.</summary>
public sealed record TreeMount(string Target, ImmutableArray<SnapshotKey> Chain, string Source, bool ReadOnly) : StepMount(Target);

/// <summary>A directory below the state directory (cache mount), made with mode and owner when missing, or a socket (ssh agent).</summary>
public sealed record HostMount(string Target, string Path, bool ReadOnly, int Mode, uint Uid, uint Gid, bool IsSocket) : StepMount(Target)
{
    /// <summary>When the directory is new it starts as a copy of this tree.</summary>
    public TreeMount? Seed { get; init; }
}

public sealed record EmptyMount(string Target, long? Size) : StepMount(Target);

/// <summary>A file whose bytes come over a descriptor (a secret): shown from a tmpfs, never on disk. <paramref name="Descriptor"/> indexes
/// <see cref="StepIo.Files"/>.</summary>
public sealed record FileMount(string Target, int Descriptor, int Mode, uint Uid, uint Gid) : StepMount(Target);

/// <summary>Descriptors a step gets. The caller keeps and closes its own copies.</summary>
public sealed record StepIo(SafeFileHandle Stdout, SafeFileHandle Stderr)
{
    public ImmutableArray<SafeFileHandle> Files { get; init; } = [];

    /// <summary>Environment secrets, NAME=value; kept out of <see cref="StepRequest"/> so that a request can be logged.</summary>
    public ImmutableArray<string> SecretEnv { get; init; } = [];
}

/// <param name="ExitCode">The process's; 128 + signal when it was killed by one.</param>
/// <param name="OutOfMemory">True when the kernel killed it for memory.</param>
public sealed record StepResult(int ExitCode, int? Signal, bool OutOfMemory);
