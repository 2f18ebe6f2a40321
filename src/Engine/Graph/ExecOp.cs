using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Kimg.Engine.Graph;

/// <summary>Runs a process in the root file system of input 0 and captures what it changes.</summary>
public sealed record ExecOp : Op
{
    public required ImmutableArray<string> Args { get; init; }

    /// <summary><c>NAME=value</c>, in order; later wins.</summary>
    public ImmutableArray<string> Env { get; init; } = [];

    /// <summary>Absolute; created when missing.</summary>
    public string WorkingDirectory { get; init; } = "/";

    /// <summary><c>user[:group]</c>, names or numbers, resolved in the root file system; null: root.</summary>
    public string? User { get; init; }

    public NetworkMode Network { get; init; } = NetworkMode.Default;

    public SecurityMode Security { get; init; } = SecurityMode.Sandbox;

    public string? Hostname { get; init; }

    /// <summary>Lines of /etc/hosts beyond the standard ones.</summary>
    public ImmutableArray<ExtraHost> ExtraHosts { get; init; } = [];

    public ImmutableArray<ExecMount> Mounts { get; init; } = [];

    public ImmutableArray<SecretEnv> SecretEnv { get; init; } = [];

    public ImmutableArray<Ulimit> Ulimits { get; init; } = [];

    /// <summary>Size of /dev/shm in bytes; null: 64 MiB.</summary>
    public long? ShmSize { get; init; }

    /// <summary>Architecture of the programs, when it is not the host's: <c>linux/arm64</c>.</summary>
    public string? Platform { get; init; }

    /// <summary>The predefined proxy variables. Given to the process, not part of any key.</summary>
    [JsonIgnore]
    public ImmutableArray<string> ProxyEnv { get; init; } = [];
}

public enum NetworkMode
{
    /// <summary>What the request says (--network), else the host's.</summary>
    Default,
    None,
    Host,
}

public enum SecurityMode
{
    Sandbox,
    Insecure,
}

public sealed record ExtraHost(string Name, string Address);

/// <summary>A limit by its name without RLIMIT_ in lower case ("nofile").</summary>
public sealed record Ulimit(string Name, long Soft, long Hard);

/// <summary>A secret given as an environment variable (RUN --mount=type=secret,env=).</summary>
public sealed record SecretEnv(string Id, string Variable, bool Required);
