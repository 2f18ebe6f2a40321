using System.Collections.Immutable;
using System.Text.Json;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.RegistryServer;

internal sealed class ManifestEndpoints(RepositoryStore repositories, ContentStore content)
{
    private const int MaxManifest = 4 << 20;

    public async Task<ServerResponse> HandleAsync(ServerRequest request, string name, string reference, CancellationToken cancellationToken)
    {
        Digest? digest = reference.Contains(':', StringComparison.Ordinal) ? RegistryRouter.ParseDigest(reference) : null;
        if (digest is null && !ImageReference.TagPattern().IsMatch(reference)) throw RequestFault.Invalid("TAG_INVALID", $"'{reference}' is not a tag");
        return request.Method switch
        {
            "GET" or "HEAD" => Get(request, name, reference, digest),
            "PUT" => await PutAsync(request, name, reference, digest, cancellationToken),
            "DELETE" => await DeleteAsync(name, reference, digest, cancellationToken),
            _ => throw RegistryRouter.NotAllowed(),
        };
    }

    private ServerResponse Get(ServerRequest request, string name, string reference, Digest? asked)
    {
        if ((asked ?? repositories.Tag(name, reference)) is not { } digest || repositories.ManifestType(name, digest) is not { } mediaType
            || content.Find(digest) is not { } size) throw Unknown(name, reference);
        return new ServerResponse(200) { Body = request.IsHead ? null : content.OpenRead(digest), Length = size }
            .With("Content-Type", mediaType).With("Docker-Content-Digest", digest.ToString()).With("ETag", $"\"{digest}\"");
    }

    private async Task<ServerResponse> PutAsync(ServerRequest request, string name, string reference, Digest? asked, CancellationToken cancellationToken)
    {
        byte[] bytes = await BoundedBody.ReadAsync(request.Body, MaxManifest, cancellationToken);
        Digest digest = asked is { } expected ? ContentHash.Of(bytes, expected) : Digest.Sha256(bytes);
        if (asked is { } other && other != digest) throw RequestFault.Invalid("DIGEST_INVALID", $"the manifest has the digest {digest}");
        ManifestFacts facts = ManifestFacts.Read(bytes, request.Header("Content-Type"));
        foreach (Digest blob in facts.Blobs)
            if (!repositories.HasBlob(name, blob) || content.Find(blob) is null) throw Missing($"blob {blob}");
        foreach (Digest child in facts.Manifests)
            // A build cache may be an index of blobs; other registries take that too.
            if ((repositories.ManifestType(name, child) is null && !repositories.HasBlob(name, child)) || content.Find(child) is null) throw Missing($"manifest {child}");

        await using (IIngest ingest = content.BeginIngest())
        {
            await ingest.Stream.WriteAsync(bytes, cancellationToken);
            await ingest.CommitAsync(new Descriptor { MediaType = facts.MediaType, Digest = digest, Size = bytes.Length }, cancellationToken);
        }

        repositories.AddManifest(name, digest, facts.MediaType, facts.Subject);
        if (asked is null) repositories.SetTag(name, reference, digest);
        return new ServerResponse(201).With("Location", $"/v2/{name}/manifests/{digest}").With("Docker-Content-Digest", digest.ToString())
            .With("OCI-Subject", facts.Subject?.ToString());
    }

    private async Task<ServerResponse> DeleteAsync(string name, string reference, Digest? asked, CancellationToken cancellationToken)
    {
        if (asked is not { } digest) return repositories.RemoveTag(name, reference) ? new ServerResponse(202) : throw Unknown(name, reference);
        if (repositories.ManifestType(name, digest) is not { } mediaType) throw Unknown(name, reference);
        Digest? subject = content.Find(digest) is { } size
            ? ManifestFacts.Read((await content.ReadAsync(new Descriptor { MediaType = mediaType, Digest = digest, Size = size }, cancellationToken)).Span, mediaType)
                .Subject
            : null;
        repositories.RemoveManifest(name, digest, subject);
        return new ServerResponse(202);
    }

    private static RequestFault Missing(string what) => RequestFault.Invalid("MANIFEST_BLOB_UNKNOWN", $"the manifest refers to {what}, which is not in this repository");

    private static RequestFault Unknown(string name, string reference) => RequestFault.NotFound("MANIFEST_UNKNOWN", $"no manifest '{reference}' in '{name}'");
}

/// <summary>What a registry must know of a manifest.</summary>
/// <param name="ArtifactType">As the referrers list shows it: of an image without one, its config's media type.</param>
internal sealed record ManifestFacts(
    string MediaType,
    ImmutableArray<Digest> Blobs,
    ImmutableArray<Digest> Manifests,
    Digest? Subject,
    string? ArtifactType,
    ImmutableSortedDictionary<string, string>? Annotations)
{
    /// <exception cref="RequestFault">400 when it is no manifest, or not of the type that was said.</exception>
    public static ManifestFacts Read(ReadOnlySpan<byte> bytes, string? contentType)
    {
        string? said = contentType?.Split(';')[0].Trim();
        try
        {
            string? mediaType = JsonSerializer.Deserialize(bytes, RegistryServerJson.Default.MediaTypeOnly)?.MediaType ?? said;
            if (said is not null && said != mediaType) throw Invalid($"the manifest calls itself '{mediaType}', the request '{said}'");
            if (MediaTypes.IsManifest(mediaType) && JsonSerializer.Deserialize(bytes, OciJson.Default.Manifest) is { SchemaVersion: 2 } image)
            {
                return new ManifestFacts(
                    mediaType!, [image.Config.Digest, .. image.Layers.Where(IsHere).Select(layer => layer.Digest)], [], image.Subject?.Digest,
                    string.IsNullOrEmpty(image.ArtifactType) ? image.Config.MediaType : image.ArtifactType, image.Annotations);
            }

            if (MediaTypes.IsIndex(mediaType) && JsonSerializer.Deserialize(bytes, OciJson.Default.ImageIndex) is { SchemaVersion: 2 } index)
            {
                return new ManifestFacts(
                    mediaType!, [], [.. index.Manifests.Select(child => child.Digest)], index.Subject?.Digest, index.ArtifactType, index.Annotations);
            }

            throw Invalid($"manifests of type '{mediaType}' are not supported");
        }
        catch (JsonException e)
        {
            throw Invalid($"the manifest is malformed: {e.Message.ReplaceLineEndings(" ")}");
        }
    }

    // Layers that may not be distributed are fetched from where they say.
    private static bool IsHere(Descriptor layer) =>
        layer.Urls is not { Length: > 0 } && layer.MediaType != MediaTypes.DockerForeignLayer && !layer.MediaType.Contains("nondistributable", StringComparison.Ordinal);

    private static RequestFault Invalid(string message) => RequestFault.Invalid("MANIFEST_INVALID", message);
}
