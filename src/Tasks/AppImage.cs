using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Tasks;

/// <summary>An image of a published application, as data: what <see cref="AppDockerfile"/> writes down.</summary>
internal sealed record AppImage
{
    /// <summary>A reference, usually with the digest it stood for, or "scratch".</summary>
    public required string Base { get; init; }

    public required ImmutableArray<AppPlatform> Platforms { get; init; }

    /// <summary>Where the application is, with a slash at its end.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>In the order of the project; a later one of a name wins.</summary>
    public ImmutableArray<AppVariable> Environment { get; init; } = [];

    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>80/tcp</summary>
    public ImmutableSortedSet<string> Ports { get; init; } = [];

    /// <summary>Empty: the base's.</summary>
    public string User { get; init; } = "";

    /// <summary>Number of the user who owns the files; null: root.</summary>
    public uint? Owner { get; init; }

    public ImmutableArray<string> Entrypoint { get; init; } = [];

    public ImmutableArray<string> Cmd { get; init; } = [];
}

/// <summary>A variable of the environment.</summary>
internal sealed record AppVariable(string Name, string Value);

/// <param name="Context">Name of the context that holds the publish output.</param>
/// <param name="Directory">That output.</param>
internal sealed record AppPlatform(Platform Platform, string Context, string Directory, PublishLayers Layers);
