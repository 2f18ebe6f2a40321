using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Oci;

/// <summary>The image configuration document (image-spec config.md) with Docker's extensions. Declared in the order of names, as BuildKit writes
/// it. Fields that are not here (Docker's <c>container_config</c> and other leftovers) do not pass from a base image to what is built on it.</summary>
public sealed record ImageConfig
{
    public string Architecture { get; init; } = "";

    public string? Author { get; init; }

    public ContainerConfig? Config { get; init; }

    public Timestamp? Created { get; init; }

    /// <summary>Inline cache: keys of the steps that made the layers, a document of <c>Cache</c>.</summary>
    [JsonPropertyName("dev.kimg.cache.v1")]
    public byte[]? InlineCache { get; init; }

    public ImmutableArray<HistoryEntry>? History { get; init; }

    public string Os { get; init; } = "";

    [JsonPropertyName("os.features")]
    public ImmutableArray<string>? OsFeatures { get; init; }

    [JsonPropertyName("os.version")]
    public string? OsVersion { get; init; }

    public RootFs? Rootfs { get; init; }

    public string? Variant { get; init; }
}

/// <summary>The <c>config</c> object: what a container started from the image gets. Property names are Docker's (capitalised).</summary>
public sealed record ContainerConfig
{
    [JsonPropertyName("User")]
    public string? User { get; init; }

    [JsonPropertyName("ExposedPorts")]
    public ImmutableSortedDictionary<string, EmptyObject>? ExposedPorts { get; init; }

    [JsonPropertyName("Env")]
    public ImmutableArray<string>? Env { get; init; }

    [JsonPropertyName("Entrypoint")]
    public ImmutableArray<string>? Entrypoint { get; init; }

    [JsonPropertyName("Cmd")]
    public ImmutableArray<string>? Cmd { get; init; }

    [JsonPropertyName("Volumes")]
    public ImmutableSortedDictionary<string, EmptyObject>? Volumes { get; init; }

    [JsonPropertyName("WorkingDir")]
    public string? WorkingDir { get; init; }

    [JsonPropertyName("Labels")]
    public ImmutableSortedDictionary<string, string>? Labels { get; init; }

    [JsonPropertyName("StopSignal")]
    public string? StopSignal { get; init; }

    [JsonPropertyName("StopTimeout")]
    public int? StopTimeout { get; init; }

    [JsonPropertyName("ArgsEscaped")]
    public bool? ArgsEscaped { get; init; }

    [JsonPropertyName("Healthcheck")]
    public Healthcheck? Healthcheck { get; init; }

    [JsonPropertyName("OnBuild")]
    public ImmutableArray<string>? OnBuild { get; init; }

    [JsonPropertyName("Shell")]
    public ImmutableArray<string>? Shell { get; init; }
}

/// <summary>Docker's healthcheck; durations in nanoseconds, zero and null mean "inherit".</summary>
public sealed record Healthcheck
{
    [JsonPropertyName("Test")]
    public ImmutableArray<string>? Test { get; init; }

    [JsonPropertyName("Interval")]
    public long? Interval { get; init; }

    [JsonPropertyName("Timeout")]
    public long? Timeout { get; init; }

    [JsonPropertyName("StartPeriod")]
    public long? StartPeriod { get; init; }

    [JsonPropertyName("StartInterval")]
    public long? StartInterval { get; init; }

    [JsonPropertyName("Retries")]
    public int? Retries { get; init; }
}

public sealed record RootFs
{
    public string Type { get; init; } = "layers";

    /// <summary>Digests of the uncompressed layer tars, bottom first.</summary>
    [JsonPropertyName("diff_ids")]
    public ImmutableArray<Digest> DiffIds { get; init; } = [];
}

public sealed record HistoryEntry
{
    public Timestamp? Created { get; init; }

    [JsonPropertyName("created_by")]
    public string? CreatedBy { get; init; }

    public string? Author { get; init; }

    public string? Comment { get; init; }

    [JsonPropertyName("empty_layer")]
    public bool? EmptyLayer { get; init; }
}

/// <summary>Go's <c>struct{}</c>: <c>{}</c>.</summary>
public sealed record EmptyObject
{
    public static EmptyObject Instance { get; } = new();
}
