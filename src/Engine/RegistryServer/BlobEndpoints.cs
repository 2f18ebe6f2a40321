using System.Globalization;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.RegistryServer;

/// <summary>Blobs and their uploads.</summary>
internal sealed class BlobEndpoints(RepositoryStore repositories, ContentStore content, UploadSessions uploads, RegistryAccess access)
{
    public ServerResponse Blob(ServerRequest request, string name, Digest digest)
    {
        if (request.Method == "DELETE")
        {
            return repositories.RemoveBlob(name, digest) ? new ServerResponse(202) : throw Unknown(digest);
        }

        if (request.Method is not ("GET" or "HEAD")) throw RegistryRouter.NotAllowed();
        if (!repositories.HasBlob(name, digest) || content.Find(digest) is not { } size) throw Unknown(digest);
        (long first, long last) = Range(request.Header("Range"), size) ?? (0, size - 1);
        bool part = last - first + 1 < size;
        ServerResponse response = new(part ? 206 : 200)
        {
            Body = request.IsHead ? null : content.OpenRead(digest),
            Length = last - first + 1,
        };
        if (response.Body is not null && first > 0) response.Body.Position = first;
        return response.With("Content-Type", "application/octet-stream").With("Docker-Content-Digest", digest.ToString()).With("Accept-Ranges", "bytes")
            .With("ETag", $"\"{digest}\"").With("Content-Range", part ? Invariant($"bytes {first}-{last}/{size}") : null);
    }

    public async Task<ServerResponse> UploadAsync(ServerRequest request, string name, string id, CancellationToken cancellationToken)
    {
        if (id.Length == 0) return request.Method == "POST" ? await BeginAsync(request, name, cancellationToken) : throw RegistryRouter.NotAllowed();
        if (request.Method is not ("GET" or "HEAD" or "PATCH" or "PUT" or "DELETE")) throw RegistryRouter.NotAllowed();
        Upload upload = uploads.Enter(name, id);
        try
        {
            switch (request.Method)
            {
                case "PATCH":
                    await AppendAsync(request, upload, cancellationToken);
                    return Progress(202, upload);
                case "PUT":
                    Digest digest = Announced(request);
                    await AppendAsync(request, upload, cancellationToken);
                    return await FinishAsync(upload, digest, cancellationToken);
                case "DELETE":
                    await uploads.EndAsync(upload);
                    return new ServerResponse(204);
                default:
                    return Progress(204, upload);
            }
        }
        finally
        {
            upload.Leave();
        }
    }

    private async Task<ServerResponse> BeginAsync(ServerRequest request, string name, CancellationToken cancellationToken)
    {
        if (request.Query.TryGetValue("mount", out string? text) && request.Query.TryGetValue("from", out string? from))
        {
            Digest mount = RegistryRouter.ParseDigest(text);
            if (!ImageReference.RepositoryPattern().IsMatch(from)) throw RequestFault.Invalid("NAME_INVALID", $"'{from}' is not a repository name");
            if (repositories.HasBlob(from, mount) && content.Find(mount) is not null && access.Allows(request, from, "pull")) return Created(name, mount);
        }

        Digest? digest = request.Query.ContainsKey("digest") ? Announced(request) : null;
        Upload upload = await uploads.BeginAsync(name);
        if (digest is not { } all) return Progress(202, upload);
        try
        {
            await AppendAsync(request, upload, cancellationToken);
            return await FinishAsync(upload, all, cancellationToken);
        }
        finally
        {
            await uploads.EndAsync(upload);
        }
    }

    /// <summary>Takes the body. When the connection breaks, what came stays, and the client may ask how much it was and go on there.</summary>
    private static async Task AppendAsync(ServerRequest request, Upload upload, CancellationToken cancellationToken)
    {
        if (request.Header("Content-Range") is { } range)
        {
            string[] ends = range.Replace("bytes ", "", StringComparison.Ordinal).Split('/')[0].Split('-');
            if (ends is not [var first, var last] || !TryNumber(first, out long start) || !TryNumber(last, out long end)
                || (request.ContentLength is { } length && end - start + 1 != length))
                throw RequestFault.Invalid("BLOB_UPLOAD_INVALID", $"the range '{range}' does not fit the body");
            if (start != upload.Length)
                throw new RequestFault(416, "BLOB_UPLOAD_INVALID", Invariant($"the next byte is {upload.Length}")) { Header = ("Range", Held(upload)) };
        }

        await request.Body.CopyToAsync(upload.Ingest.Stream, 256 * 1024, cancellationToken);
    }

    private async Task<ServerResponse> FinishAsync(Upload upload, Digest digest, CancellationToken cancellationToken)
    {
        try
        {
            await upload.CommitAsync(digest, cancellationToken);
        }
        finally
        {
            await uploads.EndAsync(upload); // right or wrong, it is over
        }

        return Created(upload.Repository, digest);
    }

    private ServerResponse Created(string name, Digest digest)
    {
        repositories.AddBlob(name, digest);
        return new ServerResponse(201).With("Location", $"/v2/{name}/blobs/{digest}").With("Docker-Content-Digest", digest.ToString());
    }

    private static ServerResponse Progress(int status, Upload upload) => new ServerResponse(status)
        .With("Location", $"/v2/{upload.Repository}/blobs/uploads/{upload.Id}").With("Range", Held(upload)).With("Docker-Upload-UUID", upload.Id);

    // An empty upload is "0-0" as well: the specification has no way to say "nothing", and this is what Docker's registry says.
    private static string Held(Upload upload) => Invariant($"0-{Math.Max(upload.Length - 1, 0)}");

    private static Digest Announced(ServerRequest request) => RegistryRouter.ParseDigest(
        request.Query.GetValueOrDefault("digest") ?? throw RequestFault.Invalid("DIGEST_INVALID", "the digest is missing"));

    /// <summary>First and last byte of a single range (RFC 9110); null to send everything.</summary>
    private static (long First, long Last)? Range(string? header, long size)
    {
        if (header is null || !header.StartsWith("bytes=", StringComparison.Ordinal) || header[6..].Split('-') is not [var from, var to]) return null;
        bool hasFirst = TryNumber(from, out long first), hasLast = TryNumber(to, out long last);
        if ((!hasFirst && from.Length > 0) || (!hasLast && to.Length > 0) || (!hasFirst && !hasLast)) return null;
        if (!hasFirst) (first, last) = (Math.Max(size - last, 0), size - 1);
        else last = hasLast ? Math.Min(last, size - 1) : size - 1;
        return first < size && first <= last
            ? (first, last)
            : throw new RequestFault(416, "SIZE_INVALID", "no such range") { Header = ("Content-Range", Invariant($"bytes */{size}")) };
    }

    private static bool TryNumber(string text, out long number) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    private static RequestFault Unknown(Digest digest) => RequestFault.NotFound("BLOB_UNKNOWN", $"no blob {digest} in this repository");
}
