using Kimg.Engine.Sandbox;

namespace Kimg.Engine.Build.Worker;

/// <summary>How a front starts its worker.</summary>
internal sealed record WorkerOptions
{
    /// <summary>Absolute; snapshots, scratch space and cache mounts are below.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>"auto", "root" or "userns".</summary>
    public string Isolation { get; init; } = "auto";

    /// <summary>"auto", "overlay", "fuse-overlayfs" or "native".</summary>
    public string StorageDriver { get; init; } = "auto";

    public FeatureMask Without { get; init; }

    /// <summary>The static kimg; null: this process's own binary.</summary>
    public string? Program { get; init; }

    /// <summary>The binary for the steps' first processes, where it is another path inside the worker's namespaces; null: the same.</summary>
    internal string? StepProgram { get; init; }

    internal string Binary => Program ?? "/proc/self/exe";
}
