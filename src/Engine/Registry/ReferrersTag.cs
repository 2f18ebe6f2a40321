using System.Collections.Immutable;
using System.Text.Json;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>The index under the tag <c>sha256-HEX</c> that stands in for the referrers API (distribution-spec 1.1, "Referrers Tag Schema").</summary>
internal static class ReferrersTag
{
    public static async Task<ImmutableArray<Descriptor>> ReadAsync(
        RegistryClient client, ImageReference name, Digest subject, CancellationToken cancellationToken)
    {
        try
        {
            return (await client.GetManifestAsync(Tag(name, subject), null, cancellationToken)).Index?.Manifests ?? [];
        }
        catch (KimgException e) when (e.Code == ErrorCode.ImageNotFound)
        {
            return [];
        }
    }

    public static async Task AddAsync(RegistryClient client, ImageReference name, ManifestDocument manifest, CancellationToken cancellationToken)
    {
        Digest subject = manifest.Subject!.Digest;
        ImmutableArray<Descriptor> known = await ReadAsync(client, name, subject, cancellationToken);
        if (known.Any(d => d.Digest == manifest.Descriptor.Digest)) return;
        var index = new ImageIndex
        {
            SchemaVersion = 2,
            MediaType = MediaTypes.OciIndex,
            Manifests = [.. known, Describe(manifest)],
        };
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(index, OciJson.Default.ImageIndex);
        await client.PutManifestAsync(
            Tag(name, subject), ManifestDocument.Parse(bytes, Digest.Sha256(bytes), MediaTypes.OciIndex, "referrers index"), cancellationToken);
    }

    private static ImageReference Tag(ImageReference name, Digest subject) => name with { Tag = $"{subject.Algorithm}-{subject.Hex}", Digest = null };

    private static Descriptor Describe(ManifestDocument manifest) => manifest.Descriptor with
    {
        ArtifactType = manifest.Index?.ArtifactType ?? manifest.Manifest?.ArtifactType ?? manifest.Manifest?.Config.MediaType,
        Annotations = manifest.Index?.Annotations ?? manifest.Manifest?.Annotations,
    };
}
