namespace Kimg.Engine.Registry;

/// <summary>A host that has copies of another registry's images.</summary>
/// <param name="Location"><c>[http://|https://]host[:port][/prefix]</c>; the prefix is put before the repository's name.</param>
/// <param name="Insecure">The certificate is not checked and plain http is allowed.</param>
/// <param name="Use">Which references are looked for here (containers-registries.conf, "pull-from-mirror").</param>
public sealed record RegistryMirror(string Location, bool Insecure = false, MirrorUse Use = MirrorUse.All);

public enum MirrorUse
{
    All,
    DigestOnly,
    TagOnly,
}
