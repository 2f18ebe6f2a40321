using System.Collections.Immutable;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Build;

/// <summary>The part of an image that is for some platforms. One: its manifest. Several: a new index of them with their attestations.</summary>
internal static class PlatformFilter
{
    /// <summary>BuildKit's annotation of an attestation manifest: the image it is about.</summary>
    private const string AboutName = "vnd.docker.reference.digest";

    public static async Task<OpenedImage> ApplyAsync(OpenedImage image, ImmutableArray<Platform> platforms, CancellationToken cancellationToken)
    {
        if (platforms.IsEmpty) return image;
        if (image.RootDocument.Index is not { } index)
        {
            Platform has = ImageCommands.PlatformOf(await image.ReadConfigAsync(image.RootDocument.Manifest!.Config, cancellationToken), image.Name);
            if (platforms.All(wanted => PlatformSelector.Acceptable(wanted).Contains(has))) return image;
            throw new KimgException(ErrorCode.PlatformNotFound, $"no image for {platforms.First(wanted => !PlatformSelector.Acceptable(wanted).Contains(has))} in '{image.Name}'")
            {
                Hint = $"it is for {has}",
            };
        }

        Descriptor[] chosen = [.. platforms.Select(platform => PlatformSelector.Select(index, platform, image.Name)).DistinctBy(d => d.Digest)];
        if (chosen is [var only]) return image with { Documents = Closure(image, [only.Digest]) };
        var digests = chosen.Select(d => d.Digest).ToHashSet();
        Descriptor[] kept = [.. index.Manifests.Where(entry => digests.Contains(entry.Digest)
            || (entry.Annotations?.GetValueOrDefault(AboutName) is { } about && Digest.TryParse(about, out Digest subject) && digests.Contains(subject)))];
        if (kept.Length == index.Manifests.Length) return image;
        byte[] bytes = CanonicalJson.Serialize(index with { Manifests = [.. kept] });
        ManifestDocument root = ManifestDocument.Parse(bytes, Digest.Sha256(bytes), image.RootDocument.Descriptor.MediaType, $"index of '{image.Name}'");
        return image with { Documents = [.. Closure(image, [.. kept.Select(d => d.Digest)]), root] };
    }

    // The documents below and including these, in their order.
    private static ImmutableArray<ManifestDocument> Closure(OpenedImage image, HashSet<Digest> wanted)
    {
        foreach (ManifestDocument document in image.Documents.Reverse())
        {
            if (document.Index is { } index && wanted.Contains(document.Descriptor.Digest)) wanted.UnionWith(index.Manifests.Select(m => m.Digest));
        }

        return [.. image.Documents.Where(d => wanted.Contains(d.Descriptor.Digest))];
    }
}
