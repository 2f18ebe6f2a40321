using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Kimg.Engine.Oci;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Build.Worker;

/// <summary>From the front to the worker. Ids are the front's, never used twice.</summary>
internal sealed record WorkerRequest(long Id, WorkerCall Call);

[JsonPolymorphic(TypeDiscriminatorPropertyName = "call")]
[JsonDerivedType(typeof(HelloCall), "hello")]
[JsonDerivedType(typeof(ApplyCall), "apply")]
[JsonDerivedType(typeof(RunCall), "run")]
[JsonDerivedType(typeof(ScanCall), "scan")]
[JsonDerivedType(typeof(WriteTarCall), "write-tar")]
[JsonDerivedType(typeof(OpenCall), "open")]
[JsonDerivedType(typeof(HashCall), "hash")]
[JsonDerivedType(typeof(SaveMountCall), "save-mount")]
[JsonDerivedType(typeof(LoadMountCall), "load-mount")]
[JsonDerivedType(typeof(RemoveCall), "remove")]
[JsonDerivedType(typeof(ExamineCall), "examine")]
[JsonDerivedType(typeof(CancelCall), "cancel")]
internal abstract record WorkerCall;

/// <summary>Always the first. <paramref name="Version"/> must be equal on both sides: they are the same binary, or should be.</summary>
internal sealed record HelloCall(int Version, WorkerSettings Settings) : WorkerCall;

/// <summary>Descriptor: a pipe that gives the tar.</summary>
internal sealed record ApplyCall(ImmutableArray<SnapshotKey> Chain) : WorkerCall;

/// <summary>Descriptors: stdout, stderr, the files of the step's mounts, and last, when <paramref name="SecretEnv"/>, a memory file of NAME=value, each
/// ended by a zero byte; the worker hands it on unread.</summary>
internal sealed record RunCall(StepRequest Step, bool SecretEnv) : WorkerCall;

/// <summary>Descriptor: a pipe that takes the index in the format of its file.</summary>
internal sealed record ScanCall(SnapshotKey Key) : WorkerCall;

/// <summary>Descriptor: a pipe that takes the tar.</summary>
internal sealed record WriteTarCall(SnapshotKey Key) : WorkerCall;

/// <summary>Descriptor: a memory file of paths, each ended by a zero byte (paths are bytes, JSON is not). The reply has a descriptor for each.</summary>
internal sealed record OpenCall(SnapshotKey Key) : WorkerCall;

/// <summary>Descriptor: as <see cref="OpenCall"/>.</summary>
internal sealed record HashCall(SnapshotKey Key) : WorkerCall;

/// <summary>Descriptor: a pipe that takes the tar.</summary>
internal sealed record SaveMountCall(string Tree, long MaxSize) : WorkerCall;

/// <summary>Descriptor: a pipe that gives the tar.</summary>
internal sealed record LoadMountCall(string Tree, int Mode, uint Uid, uint Gid, long MaxSize) : WorkerCall;

internal sealed record RemoveCall(ImmutableArray<SnapshotKey> Keys, ImmutableArray<string> Trees) : WorkerCall;

/// <summary>Asks what the host allows inside the worker's namespaces.</summary>
internal sealed record ExamineCall : WorkerCall;

/// <summary>Ends another request, whose own reply then says so. Answered when the worker knows of it.</summary>
internal sealed record CancelCall(long Request) : WorkerCall;

/// <summary>What a worker is told once.</summary>
/// <param name="Snapshots">Directory of the snapshotters.</param>
/// <param name="Scratch">An empty directory to mount on.</param>
/// <param name="StorageDriver">"auto" or a driver's name.</param>
/// <param name="Program">The binary for the steps' first processes.</param>
internal sealed record WorkerSettings(string Snapshots, string Scratch, string StorageDriver, string Program, FeatureMask Without);

/// <summary>From the worker to the front; exactly one for each request.</summary>
internal sealed record WorkerReply(long Id)
{
    /// <summary>To <see cref="HelloCall"/>: the driver chosen.</summary>
    public string? StorageDriver { get; init; }

    public StepResult? Step { get; init; }

    public ImmutableArray<Digest>? Digests { get; init; }

    public ImmutableArray<HostFinding>? Findings { get; init; }

    public WorkerFault? Fault { get; init; }
}

/// <param name="Code">null: the request was cancelled.</param>
internal sealed record WorkerFault(ErrorCode? Code, string Message, string? Hint, int? StepExitCode);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(DigestJsonConverter)])]
[JsonSerializable(typeof(WorkerRequest))]
[JsonSerializable(typeof(WorkerReply))]
internal sealed partial class WorkerJson : JsonSerializerContext;
