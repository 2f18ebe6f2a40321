using System.Net;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>Gets blobs into one repository: found there, mounted from another, sent whole, or sent while they are written.</summary>
internal sealed class BlobUploads(RegistryClient client, ImageReference name)
{
    private readonly RegistryEndpoint _endpoint = client.Transport.Endpoints.Upstream(name.Registry, name.Repository);

    public async Task<bool> ExistsAsync(Descriptor descriptor, CancellationToken cancellationToken)
    {
        RegistryRequest request = Request(HttpMethod.Head, $"blobs/{descriptor.Digest}", What(descriptor)) with { Expected = [HttpStatusCode.NotFound] };
        using HttpResponseMessage response = await client.Transport.SendAsync(request, cancellationToken);
        return response.IsSuccessStatusCode;
    }

    /// <summary>Asks the registry to link a blob it has in another of its repositories. False when it would not.</summary>
    public async Task<bool> TryMountAsync(Descriptor descriptor, string fromRepository, CancellationToken cancellationToken)
    {
        RegistryRequest request = Request(
            HttpMethod.Post, $"blobs/uploads/?mount={descriptor.Digest}&from={Uri.EscapeDataString(fromRepository)}", What(descriptor)) with
        {
            Scopes = [.. RegistryClient.Scope(name.Repository, "pull,push"), .. RegistryClient.Scope(fromRepository, "pull")],
            // An account that may not read the other repository still may upload.
            Expected = [HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden, HttpStatusCode.NotFound, HttpStatusCode.BadRequest, HttpStatusCode.MethodNotAllowed],
        };
        using HttpResponseMessage response = await client.Transport.SendAsync(request, cancellationToken);
        if (response.StatusCode == HttpStatusCode.Created) return true;
        // 202: it began an upload instead.
        if (response.IsSuccessStatusCode) await AbandonAsync(Location(response), cancellationToken);
        return false;
    }

    /// <summary>Sends a blob of known digest and size in one piece, checked on the way. After a failure it is opened and sent again.</summary>
    /// <param name="progress">Called with the bytes sent so far; starts over when the upload does.</param>
    /// <exception cref="KimgException">DigestMismatch when the source is not what the descriptor says.</exception>
    public async Task UploadAsync(
        Descriptor descriptor, Func<CancellationToken, Task<Stream>> open, Action<long>? progress, CancellationToken cancellationToken)
    {
        var body = new RequestBody("application/octet-stream", descriptor.Size, OpenAsync, progress);
        await RetryAsync(async _ =>
        {
            // A session that broke off may hold half the blob: begin another one.
            Uri session = await BeginSessionAsync(What(descriptor), cancellationToken);
            await CommitAsync(session, descriptor.Digest, body, cancellationToken);
            return true;
        }, cancellationToken);

        async Task<Stream> OpenAsync(CancellationToken token) => new VerifiedStream(await open(token), descriptor.Digest, descriptor.Size);
    }

    /// <summary>Begins sending a blob that is still being written.</summary>
    public BlobUpload Begin() => new(this, client.Options.ChunkSize);

    internal async Task<Uri> BeginSessionAsync(string what, CancellationToken cancellationToken) =>
        (await BeginChunksAsync(what, cancellationToken)).Location;

    internal async Task<(Uri Location, int MinChunk)> BeginChunksAsync(string what, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await client.Transport.SendAsync(Request(HttpMethod.Post, "blobs/uploads/", what), cancellationToken);
        int min = response.Headers.TryGetValues("OCI-Chunk-Min-Length", out IEnumerable<string>? values) && int.TryParse(values.First(), out int m) ? m : 0;
        return (Location(response), min);
    }

    /// <summary>Sends bytes <paramref name="start"/>… of a session; what a broken attempt got through is not sent again.</summary>
    internal async Task<Uri> SendChunkAsync(Uri session, long start, ReadOnlyMemory<byte> chunk, string what, CancellationToken cancellationToken)
    {
        return await RetryAsync(async attempt =>
        {
            long received = start;
            if (attempt > 1) (session, received) = await ReceivedAsync(session, what, cancellationToken);
            if (received == start + chunk.Length) return session;
            if (received < start || received > start + chunk.Length)
                throw new KimgException(ErrorCode.RegistryRefused, $"{what}: registry '{_endpoint.Base.Authority}' lost track of the upload");
            ReadOnlyMemory<byte> rest = chunk[(int)(received - start)..];
            RegistryRequest request = Request(HttpMethod.Patch, "", what) with
            {
                Location = session,
                ContentRange = $"{received}-{received + rest.Length - 1}",
                Body = RequestBody.Of("application/octet-stream", rest),
                Attempts = 1,
            };
            using HttpResponseMessage response = await client.Transport.SendAsync(request, cancellationToken);
            return Location(response);
        }, cancellationToken);
    }

    internal async Task CommitAsync(Uri session, Digest digest, RequestBody? body, CancellationToken cancellationToken)
    {
        string query = session.Query.Length > 1 ? session.Query + "&digest=" : "?digest=";
        RegistryRequest request = Request(HttpMethod.Put, "", $"blob {digest} to '{name.Name}'") with
        {
            Location = new UriBuilder(session) { Query = query + Uri.EscapeDataString(digest.ToString()) }.Uri,
            Body = body,
            Attempts = body is null ? null : 1,
        };
        using HttpResponseMessage response = await client.Transport.SendAsync(request, cancellationToken);
        if (RegistryClient.HeaderDigest(response) is { } stored && stored.Algorithm == digest.Algorithm && stored != digest)
        {
            throw new KimgException(
                ErrorCode.DigestMismatch, $"blob {digest}: registry '{_endpoint.Base.Authority}' stored it as {stored}");
        }
    }

    /// <summary>Tells the registry that a session will not be finished. It would find out by itself, so a refusal does not matter.</summary>
    internal async Task AbandonAsync(Uri session, CancellationToken cancellationToken)
    {
        RegistryRequest request = Request(HttpMethod.Delete, "", "upload session") with
        {
            Location = session,
            Attempts = 1,
        };
        try
        {
            (await client.Transport.SendAsync(request, cancellationToken)).Dispose();
        }
        catch (KimgException)
        {
            return;
        }
    }

    internal string Target => $"blob to '{name.Name}'";

    private string What(Descriptor descriptor) => $"blob {descriptor.Digest} to '{name.Name}'";

    private RegistryRequest Request(HttpMethod method, string resource, string what) => new(method, _endpoint, name.Repository, what)
    {
        Resource = resource,
        Scopes = RegistryClient.Scope(name.Repository, "pull,push"),
    };

    private async Task<(Uri Session, long Received)> ReceivedAsync(Uri session, string what, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await client.Transport.SendAsync(
            Request(HttpMethod.Get, "", what) with { Location = session }, cancellationToken);
        // "0-N", where N is the last byte; distribution says "0-0" for one byte and for none.
        string range = response.Headers.TryGetValues("Range", out IEnumerable<string>? values) ? values.First() : "";
        long last = range.Split('-') is [_, var end] && long.TryParse(end, out long n) ? n : -1;
        return (Location(response), last <= 0 ? 0 : last + 1);
    }

    private async Task<T> RetryAsync<T>(Func<int, Task<T>> send, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return await send(attempt);
            }
            catch (KimgException e) when (attempt < client.Options.Attempts && e.Code is ErrorCode.RegistryUnreachable or ErrorCode.TooManyRequests)
            {
                await client.Transport.PauseAsync(attempt, cancellationToken);
            }
        }
    }

    private Uri Location(HttpResponseMessage response)
    {
        if (response.Headers.Location is not { } location)
            throw new KimgException(ErrorCode.RegistryRefused, $"registry '{_endpoint.Base.Authority}' began an upload without saying where");
        var absolute = new Uri(response.RequestMessage!.RequestUri!, location);
        // A registry behind a proxy that ends TLS often writes http into its addresses.
        RegistryEndpoint endpoint = client.Transport.Endpoints.Current(_endpoint);
        return endpoint.IsHttps && absolute.Scheme == "http" && absolute.IdnHost == endpoint.Base.IdnHost
            ? new UriBuilder(absolute) { Scheme = "https", Port = endpoint.Base.Port }.Uri
            : absolute;
    }
}
