using System.Collections.Immutable;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Tasks;

/// <summary>Registry, repository and tags → the names of an image.</summary>
internal static class ImageNaming
{
    public static ImmutableArray<string> Names(string registry, string repository, string[] tags, string[] explicitNames)
    {
        if (explicitNames.Length > 0) return [.. explicitNames.Select(name => Checked("KimgImageNames", name))];
        string prefix = registry.Length == 0 ? "" : registry.TrimEnd('/') + "/";
        return [.. tags.Select(tag => Checked("ContainerRegistry, ContainerRepository or ContainerImageTag", $"{prefix}{repository}:{tag}"))];
    }

    /// <summary>Where an image of these names can be pushed to. A name without a registry is none of Docker Hub's until somebody says so: nobody's password
    /// is for it.</summary>
    public static ImmutableArray<string> Registries(string registry, IEnumerable<string> names) =>
    [
        .. names.Where(name => name.Split('/') is [var host, _, ..] && (host == "localhost" || host.AsSpan().IndexOfAny('.', ':') >= 0))
            .Select(name => name.Split('/')[0]).Prepend(registry).Where(host => host.Length > 0).Distinct(),
    ];

    /// <exception cref="KimgException">InvalidProjectTag.</exception>
    public static void CheckTag(string setting, string tag)
    {
        if (tag.Length is > 0 and <= 128 && tag[0] is not ('.' or '-') && tag.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-')) return;
        throw new KimgException(ErrorCode.InvalidProjectTag, $"{setting}: '{tag}' is no tag")
        {
            Hint = "up to 128 letters, digits, '_', '.' and '-', not beginning with '.' or '-'",
        };
    }

    public static string Checked(string setting, string name)
    {
        try
        {
            ImageReference reference = ImageReference.Parse(name);
            if (reference.Digest is null) return name;
            throw new KimgException(ErrorCode.InvalidProjectTag, $"{setting}: a new image cannot be named by digest ('{name}')") { Hint = "write NAME:TAG" };
        }
        catch (KimgException e) when (e.Code == ErrorCode.InvalidReference)
        {
            throw new KimgException(ErrorCode.InvalidProjectTag, $"{setting}: {e.Message}", e) { Hint = e.Hint };
        }
    }
}
