using System.Collections.Immutable;
using Kimg.Engine.Oci;

namespace Kimg.Engine.Registry;

/// <summary>Where the images below a prefix really are (a <c>[[registry]]</c> of containers-registries.conf(5)).</summary>
/// <param name="Prefix"><c>host[:port][/path]</c>, or <c>*.domain</c> for all hosts of a domain. The longest that fits decides.</param>
public sealed record RegistryRule(string Prefix)
{
    /// <summary>Put in the prefix's place when images are read; null: the prefix itself.</summary>
    public string? Location { get; init; }

    /// <summary>The certificate is not checked and plain http is allowed.</summary>
    public bool Insecure { get; init; }

    /// <summary>Nothing is read from or written to it.</summary>
    public bool Blocked { get; init; }

    /// <summary>Tried in order before the location. Theirs, too, stand in the prefix's place.</summary>
    public ImmutableArray<RegistryMirror> Mirrors { get; init; } = [];

    /// <summary>The file, for messages.</summary>
    public string Source { get; init; } = "";

    /// <summary>The part of the repository's name that the prefix covers.</summary>
    internal string Path => Prefix.IndexOf('/') is var slash and >= 0 ? Prefix[(slash + 1)..] : "";

    internal bool Fits(string registry, string repository)
    {
        if (Prefix.StartsWith("*.", StringComparison.Ordinal)) return registry.EndsWith(Prefix[1..], StringComparison.OrdinalIgnoreCase);
        string name = $"{registry}/{repository}";
        return name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && (name.Length == Prefix.Length || name[Prefix.Length] == '/');
    }

    internal static RegistryRule? Find(IEnumerable<RegistryRule> rules, string registry, string repository) =>
        rules.Where(rule => rule.Fits(registry, repository)).MaxBy(rule => rule.Prefix.Length);

    internal static bool IsDockerHub(string host) => host is ImageReference.DockerHub or "index.docker.io" or "registry-1.docker.io";
}
