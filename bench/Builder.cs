using System.Collections.Immutable;

namespace Kimg.Bench;

/// <summary>A program that builds images. A build may take several commands in a row (buildah pushes by another one).</summary>
internal abstract class Builder
{
    /// <summary>As the table shows it.</summary>
    public abstract string Name { get; }

    /// <summary>What it and its daemon say they are; null: it is not on this machine.</summary>
    public abstract Task<string?> VersionAsync();

    public abstract IEnumerable<ImmutableArray<string>> Commands(BuildJob job);

    /// <summary>Makes it as it was on its first day; only for rows about machines that know nothing.</summary>
    public abstract Task ForgetAsync();

    /// <summary>Names of the processes that work for it besides what the command starts.</summary>
    public virtual ImmutableArray<string> Daemons => [];

    public virtual ImmutableDictionary<string, string> Environment => ImmutableDictionary<string, string>.Empty;
}
