using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.RegistryServer;

/// <summary>From path and method to the endpoint (distribution-spec 1.1, "Endpoints", end-1 … end-13).</summary>
internal sealed class RegistryRouter(RepositoryStore repositories, ContentStore content, UploadSessions uploads, RegistryAccess access)
{
    private readonly BlobEndpoints _blobs = new(repositories, content, uploads, access);
    private readonly ManifestEndpoints _manifests = new(repositories, content);
    private readonly ListEndpoints _lists = new(repositories, content);

    public async Task<ServerResponse> HandleAsync(ServerRequest request, CancellationToken cancellationToken)
    {
        if (request.Path == "/token") return await access.IssueTokenAsync(request, cancellationToken);
        if (request.Path is "/v2" or "/v2/" or "/v2/_catalog")
        {
            access.Demand(request, null, "pull");
            if (request.Method is not ("GET" or "HEAD")) throw NotAllowed();
            return request.Path == "/v2/_catalog" ? _lists.Catalogue(request) : ServerResponse.Bytes(200, "application/json", "{}"u8.ToArray());
        }

        if (!request.Path.StartsWith("/v2/", StringComparison.Ordinal)) throw RequestFault.NotFound("UNSUPPORTED", "no such endpoint");
        string[] parts = request.Path[4..].Split('/');
        return parts switch
        {
            [.. var name, "blobs", "uploads", var id] => await _blobs.UploadAsync(request, Name(request, name), id, cancellationToken),
            [.. var name, "blobs", "uploads"] => await _blobs.UploadAsync(request, Name(request, name), "", cancellationToken),
            [.. var name, "blobs", var digest] => _blobs.Blob(request, Name(request, name), ParseDigest(digest)),
            [.. var name, "manifests", var reference] => await _manifests.HandleAsync(request, Name(request, name), reference, cancellationToken),
            [.. var name, "tags", "list"] => Get(request) ? _lists.Tags(request, Name(request, name)) : throw NotAllowed(),
            [.. var name, "referrers", var digest] => Get(request)
                ? await _lists.ReferrersAsync(request, Name(request, name), ParseDigest(digest), cancellationToken)
                : throw NotAllowed(),
            _ => throw RequestFault.NotFound("UNSUPPORTED", "no such endpoint"),
        };
    }

    internal static Digest ParseDigest(string text) =>
        Digest.TryParse(text, out Digest digest) ? digest : throw RequestFault.Invalid("DIGEST_INVALID", $"'{text}' is not a digest");

    internal static RequestFault NotAllowed() => new(405, "UNSUPPORTED", "no such method here");

    private static bool Get(ServerRequest request) => request.Method is "GET" or "HEAD";

    private string Name(ServerRequest request, string[] parts)
    {
        string name = string.Join('/', parts);
        if (name.Length > 255 || !ImageReference.RepositoryPattern().IsMatch(name)) throw RequestFault.Invalid("NAME_INVALID", $"'{name}' is not a repository name");
        access.Demand(request, name, request.Method switch { "GET" or "HEAD" => "pull", "DELETE" => "delete", _ => "push" });
        return name;
    }
}
