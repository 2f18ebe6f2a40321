using Kimg.Engine.Graph;

namespace Kimg.Engine.Ops;

/// <summary>What steps get from the build around them.</summary>
internal sealed record StepEnvironment
{
    public required IWorker Worker { get; init; }

    /// <summary>Directory of cache mounts, sockets and other things a step sees of this machine.</summary>
    public required string StateDirectory { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>The value of a secret, read now; null when there is none of this id.</summary>
    public required Func<string, CancellationToken, Task<byte[]?>> Secret { get; init; }

    /// <summary>Starts the forwarding of an ssh agent for one step; null when there is none of this id.</summary>
    public required Func<string, IAgentForward?> Agent { get; init; }

    /// <summary>The nameservers' file a step sees; text of a resolv.conf.</summary>
    public required string ResolvConf { get; init; }

    public NetworkMode Network { get; init; } = NetworkMode.Default;

    /// <summary>Fills a cache mount that is empty here from wherever it may have come with; told its directory.</summary>
    public Func<CacheMount, string, CancellationToken, Task> RestoreMount { get; init; } = static (_, _, _) => Task.CompletedTask;

    /// <summary>Finds the emulator of an architecture; null when there is none here.</summary>
    public Func<string, string?> Emulator { get; init; } = static _ => null;

    public required SemaphoreSlim Slots { get; init; }
}

/// <summary>An ssh agent's socket made for one step.</summary>
internal interface IAgentForward : IAsyncDisposable
{
    /// <summary>Path of the socket on this machine.</summary>
    string Path { get; }
}

/// <summary>Where a vertex's output goes.</summary>
/// <param name="stream">1 or 2.</param>
internal delegate void StepOutput(int stream, ReadOnlyMemory<byte> data);
