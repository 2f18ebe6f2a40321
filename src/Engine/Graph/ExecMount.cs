using System.Text.Json.Serialization;

namespace Kimg.Engine.Graph;

/// <summary>A RUN --mount. <see cref="Target"/> is absolute.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(BindMount), "bind")]
[JsonDerivedType(typeof(CacheMount), "cache")]
[JsonDerivedType(typeof(TmpfsMount), "tmpfs")]
[JsonDerivedType(typeof(SecretMount), "secret")]
[JsonDerivedType(typeof(SshMount), "ssh")]
public abstract record ExecMount(string Target);

/// <summary>A tree of an input, read-only, or writable with the writes thrown away.</summary>
public sealed record BindMount(string Target, int Input, string Source, bool ReadOnly) : ExecMount(Target);

/// <summary>A directory that lives across builds. When created it starts as <see cref="Source"/> of <see cref="Input"/> (−1: empty,
/// owned by Uid:Gid with Mode).</summary>
public sealed record CacheMount(string Target, string Id, CacheSharing Sharing, int Input, string Source, bool ReadOnly) : ExecMount(Target)
{
    public int Mode { get; init; } = 0b111_101_101;

    public int Uid { get; init; }

    public int Gid { get; init; }
}

public enum CacheSharing
{
    Shared,
    Private,
    Locked,
}

/// <summary>Size in bytes; null: no limit.</summary>
public sealed record TmpfsMount(string Target, long? Size) : ExecMount(Target);

public sealed record SecretMount(string Target, string Id, bool Required, int Mode, int Uid, int Gid) : ExecMount(Target);

/// <summary>The agent's socket; SSH_AUTH_SOCK points at it.</summary>
public sealed record SshMount(string Target, string Id, bool Required, int Mode, int Uid, int Gid) : ExecMount(Target);
