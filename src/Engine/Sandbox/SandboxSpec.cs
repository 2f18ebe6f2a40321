using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Kimg.Engine.Native;

namespace Kimg.Engine.Sandbox;

/// <summary>One process to run in a root file system of its own: everything it can observe, as data. Paths inside the root are absolute there; all others are
/// the host's.</summary>
internal sealed record SandboxSpec
{
    /// <summary>An existing directory that nobody else uses for anything; a tmpfs is put over it in the step's own mount namespace.</summary>
    public required string Scratch { get; init; }

    public required MountSource Root { get; init; }

    /// <summary>Sorted by depth before mounting; of one depth in this order.</summary>
    public ImmutableArray<SandboxMount> Mounts { get; init; } = [];

    public required ImmutableArray<string> Args { get; init; }

    /// <summary>NAME=value; of one name the last counts.</summary>
    public ImmutableArray<string> Env { get; init; } = [];

    /// <summary>Position in the descriptors of one that holds more of it, each ended by a zero byte; null: none.</summary>
    public int? SecretEnv { get; init; }

    public string WorkingDirectory { get; init; } = "/";

    /// <summary><c>user[:group]</c>, looked up in the root's files; null: root.</summary>
    public string? User { get; init; }

    public required string Hostname { get; init; }

    public required string HostsFile { get; init; }

    public required string ResolvConf { get; init; }

    /// <summary>A network of its own with nothing but loopback; otherwise the host's.</summary>
    public bool IsolatedNetwork { get; init; }

    /// <summary>Everything the sandbox itself may do, and nothing masked (RUN --security=insecure).</summary>
    public bool Insecure { get; init; }

    public ImmutableArray<SandboxLimit> Limits { get; init; } = [];

    /// <summary>Bytes of /dev/shm.</summary>
    public long ShmSize { get; init; } = 64 << 20;

    /// <summary>null: the programs are for this machine.</summary>
    public Emulation? Emulation { get; init; }

    /// <summary>Kernel features to do without (tests).</summary>
    public FeatureMask Without { get; init; } = FeatureMask.None;
}

/// <param name="Name">As in prlimit(1), lower case: nofile.</param>
internal sealed record SandboxLimit(string Name, long Soft, long Hard);

/// <summary>Something mounted at a path of the root. A missing target is created, and removed afterwards.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(SourceMount), "source")]
[JsonDerivedType(typeof(DescriptorMount), "descriptor")]
internal abstract record SandboxMount(string Target);

/// <param name="Path">What of the source is shown: a directory or a file below it, "" for all of it.</param>
internal sealed record SourceMount(string Target, MountSource Source, string Path, bool ReadOnly) : SandboxMount(Target);

/// <summary>A read-only file in memory.</summary>
/// <param name="Descriptor">Position in the descriptors of the one whose bytes it holds.</param>
internal sealed record DescriptorMount(string Target, int Descriptor, int Mode, uint Uid, uint Gid) : SandboxMount(Target);
