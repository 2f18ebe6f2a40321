namespace Kimg.Engine.Dockerfile;

internal enum MountKind
{
    Bind,
    Cache,
    Tmpfs,
    Secret,
    Ssh,
}

/// <summary>A RUN --mount with its variables expanded. Empty text: not given.</summary>
internal sealed record RunMount(MountKind Kind)
{
    public string From { get; init; } = "";

    public string Source { get; init; } = "";

    public string Target { get; init; } = "";

    public string Id { get; init; } = "";

    public string Sharing { get; init; } = "";

    public bool ReadOnly { get; init; }

    public bool Required { get; init; }

    /// <summary>The variable a secret is given in, or null.</summary>
    public string? Env { get; init; }

    public long? Size { get; init; }

    public int? Mode { get; init; }

    public int? Uid { get; init; }

    public int? Gid { get; init; }
}
