using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>A client of OCI distribution 1.1 registries: manifests, tags and referrers here; blobs through <see cref="BlobsOf"/> and
/// <see cref="BlobUploads"/>; whole images through <see cref="Puller"/> and <see cref="Pusher"/>. Safe for concurrent use; one per process is enough.</summary>
public sealed class RegistryClient : IDisposable
{
    private static readonly string s_acceptManifests = string.Join(
        ", ", MediaTypes.OciIndex, MediaTypes.DockerManifestList, MediaTypes.OciManifest, MediaTypes.DockerManifest);

    private const int MaxPages = 1000;

    public RegistryClient(RegistryOptions options)
        : this(options, HostTrust.Dns)
    {
    }

    internal RegistryClient(RegistryOptions options, HostTrust trust)
    {
        Options = options;
        Transport = new RegistryTransport(options, new EndpointResolver(options), trust);
    }

    internal RegistryOptions Options { get; }

    internal RegistryTransport Transport { get; }

    /// <summary>Succeeds when the registry answers and accepts the credentials there are for it.</summary>
    /// <exception cref="KimgException">AuthenticationFailed, AccessDenied, RegistryUnreachable, …</exception>
    public async Task PingAsync(string registry, CancellationToken cancellationToken) => (await Transport.SendAsync(
        new RegistryRequest(HttpMethod.Get, Transport.Endpoints.Upstream(registry), "", $"registry '{registry}'"), cancellationToken)).Dispose();

    /// <summary>What a name stands for now: digest, size and type of its manifest or index, without fetching it. With a digest in the name
    /// the tag is not looked at.</summary>
    /// <exception cref="KimgException">ImageNotFound, AuthenticationFailed, AccessDenied, RegistryUnreachable, …</exception>
    public async Task<Descriptor> ResolveAsync(ImageReference name, CancellationToken cancellationToken) =>
        await TryHeadAsync(name, cancellationToken) ?? (await GetManifestAsync(name, null, cancellationToken)).Descriptor;

    /// <summary>As <see cref="ResolveAsync"/>, but null when there is no such image.</summary>
    public async Task<Descriptor?> FindAsync(ImageReference name, CancellationToken cancellationToken)
    {
        try
        {
            return await ResolveAsync(name, cancellationToken);
        }
        catch (KimgException e) when (e.Code == ErrorCode.ImageNotFound)
        {
            return null;
        }
    }

    /// <summary>Fetches a manifest or index and checks its bytes.</summary>
    /// <param name="expected">When known, which one: then digest and size must be these, and the name's own tag and digest are not used.</param>
    /// <exception cref="KimgException">DigestMismatch; InvalidManifest when it is malformed or larger than 4 MiB.</exception>
    public Task<ManifestDocument> GetManifestAsync(ImageReference name, Descriptor? expected, CancellationToken cancellationToken)
    {
        Digest? digest = expected?.Digest ?? name.Digest;
        string what = $"manifest '{(expected is null ? name : name with { Tag = null, Digest = digest })}'";
        return ReadAsync(name, digest is not null, endpoint => GetAsync(endpoint), cancellationToken);

        async Task<ManifestDocument> GetAsync(RegistryEndpoint endpoint)
        {
            RegistryRequest request = Read(HttpMethod.Get, endpoint, name, $"manifests/{digest?.ToString() ?? name.Tag}", what) with
            {
                Accept = s_acceptManifests,
            };
            using HttpResponseMessage response = await Transport.SendAsync(request, cancellationToken);
            byte[] bytes = await BodyAsync(response, BoundedBody.Manifest, request, cancellationToken);
            Digest? promised = digest ?? HeaderDigest(response);
            Digest actual = promised is { } algorithm ? ContentHash.Of(bytes, algorithm) : Digest.Sha256(bytes);
            if (promised is { } p && actual != p) throw Lying(what, endpoint, $"with digest {actual} instead of {p}");
            if (expected is not null && bytes.Length != expected.Size) throw Lying(what, endpoint, $"of {bytes.Length} bytes instead of {expected.Size}");
            return ManifestDocument.Parse(bytes, actual, expected?.MediaType ?? response.Content.Headers.ContentType?.MediaType, what);
        }
    }

    /// <summary>Fetches a small blob into memory, checked: an image config, an attestation.</summary>
    public async Task<ReadOnlyMemory<byte>> GetBlobAsync(ImageReference name, Descriptor descriptor, CancellationToken cancellationToken)
    {
        string what = $"blob {descriptor.Digest}";
        if (descriptor.Size > BoundedBody.Config) throw new KimgException(ErrorCode.InvalidManifest, $"{what} claims {descriptor.Size} bytes, too many to be a config");
        await using var blob = new VerifiedStream(
            await BlobsOf(name).OpenBlobAsync(descriptor, 0, cancellationToken), descriptor.Digest, descriptor.Size);
        return await BoundedBody.ReadAsync(blob, descriptor.Size, BoundedBody.Config, what, cancellationToken);
    }

    /// <summary>The blobs of the name's repository.</summary>
    public IBlobProvider BlobsOf(ImageReference name) => new RegistryBlobs(this, name);

    /// <summary>All tags of the name's repository, in the registry's order.</summary>
    public async Task<ImmutableArray<string>> ListTagsAsync(ImageReference name, CancellationToken cancellationToken)
    {
        var tags = ImmutableArray.CreateBuilder<string>();
        RegistryRequest first = Read(HttpMethod.Get, Transport.Endpoints.Upstream(name.Registry, name.Repository), name, "tags/list", $"tags of '{name.Name}'");
        await foreach (byte[] page in PagesAsync(first, cancellationToken))
            tags.AddRange(Parse(page, RegistryJson.Default.TagListAnswer, first.What).Tags ?? []);
        return tags.ToImmutable();
    }

    /// <summary>What refers to a manifest through its <c>subject</c>: signatures, SBOMs, attestations. Falls back to the tag scheme
    /// of distribution-spec 1.1 where the registry has no referrers API.</summary>
    /// <param name="artifactType">Only these, when given.</param>
    public async Task<ImmutableArray<Descriptor>> ListReferrersAsync(
        ImageReference name, Digest subject, string? artifactType, CancellationToken cancellationToken)
    {
        string query = artifactType is null ? "" : "?artifactType=" + Uri.EscapeDataString(artifactType);
        RegistryRequest first = Read(
            HttpMethod.Get, Transport.Endpoints.Upstream(name.Registry, name.Repository), name, $"referrers/{subject}{query}", $"referrers of '{name.Name}@{subject}'") with
        {
            Accept = MediaTypes.OciIndex,
            Expected = [HttpStatusCode.NotFound],
        };
        var found = ImmutableArray.CreateBuilder<Descriptor>();
        bool supported = false;
        await foreach (byte[] page in PagesAsync(first, cancellationToken))
        {
            supported = true;
            found.AddRange(ManifestDocument.Parse(page, Digest.Sha256(page), MediaTypes.OciIndex, first.What).Index!.Manifests);
        }

        if (!supported) found.AddRange(await ReferrersTag.ReadAsync(this, name, subject, cancellationToken));
        return [.. found.Where(d => artifactType is null || d.ArtifactType == artifactType)];
    }

    /// <summary>Stores a manifest under the name's tag, or under its digest when the name has none. What it refers to must be there.
    /// When it has a subject and the registry has no referrers API, the fallback tag is updated.</summary>
    public async Task PutManifestAsync(ImageReference name, ManifestDocument manifest, CancellationToken cancellationToken)
    {
        ImageReference target = name.Tag is null ? name with { Digest = manifest.Descriptor.Digest } : name with { Digest = null };
        string what = $"manifest '{target}'";
        RegistryEndpoint endpoint = Transport.Endpoints.Upstream(name.Registry, name.Repository);
        var request = new RegistryRequest(HttpMethod.Put, endpoint, name.Repository, what)
        {
            Resource = $"manifests/{target.Digest?.ToString() ?? target.Tag}",
            Scopes = Scope(name.Repository, "pull,push"),
            Body = RequestBody.Of(manifest.Descriptor.MediaType, manifest.Bytes),
        };
        using HttpResponseMessage response = await Transport.SendAsync(request, cancellationToken);
        if (HeaderDigest(response) is { } stored && stored.Algorithm == manifest.Descriptor.Digest.Algorithm && stored != manifest.Descriptor.Digest)
        {
            throw new KimgException(
                ErrorCode.DigestMismatch, $"{what}: registry '{endpoint.Base.Authority}' stored it as {stored} instead of {manifest.Descriptor.Digest}");
        }

        if (manifest.Subject is not null && !response.Headers.Contains("OCI-Subject"))
            await ReferrersTag.AddAsync(this, name, manifest, cancellationToken);
    }

    /// <summary>Deletes a tag (a name without digest) or a manifest (with one).</summary>
    public async Task DeleteManifestAsync(ImageReference name, CancellationToken cancellationToken)
    {
        var request = new RegistryRequest(HttpMethod.Delete, Transport.Endpoints.Upstream(name.Registry, name.Repository), name.Repository, $"manifest '{name}'")
        {
            Resource = $"manifests/{name.Digest?.ToString() ?? name.Tag}",
            Scopes = Scope(name.Repository, "pull,delete"),
        };
        (await Transport.SendAsync(request, cancellationToken)).Dispose();
    }

    public void Dispose() => Transport.Dispose();

    internal static ImmutableArray<string> Scope(string repository, string actions) => [$"repository:{repository}:{actions}"];

    internal static RegistryRequest Read(HttpMethod method, RegistryEndpoint endpoint, ImageReference name, string resource, string what) =>
        new(method, endpoint, name.Repository, what)
        {
            Resource = resource,
            Scopes = Scope(endpoint.NameOf(name.Repository), "pull"),
            Attempts = endpoint.IsMirror ? 2 : null,
        };

    /// <summary>Asks the mirrors in order, then the registry. Whatever a mirror does wrong, the next one is asked.</summary>
    internal async Task<T> ReadAsync<T>(ImageReference name, bool byDigest, Func<RegistryEndpoint, Task<T>> read, CancellationToken cancellationToken)
    {
        var failures = new List<string>();
        foreach (RegistryEndpoint endpoint in Transport.Endpoints.ForRead(name.Registry, name.Repository, byDigest))
        {
            try
            {
                return await read(endpoint);
            }
            catch (KimgException e) when (endpoint.IsMirror && !cancellationToken.IsCancellationRequested)
            {
                failures.Add($"mirror '{endpoint.Base.Authority}': {e.Message}");
            }
            catch (KimgException e) when (failures.Count > 0)
            {
                throw new KimgException(e.Code, $"{e.Message}; {string.Join("; ", failures)}", e) { Hint = e.Hint };
            }
        }

        throw new KimgException(ErrorCode.Internal, $"no endpoint for registry '{name.Registry}'");
    }

    internal static Digest? HeaderDigest(HttpResponseMessage response) =>
        response.Headers.TryGetValues("Docker-Content-Digest", out IEnumerable<string>? values)
        && Digest.TryParse(values.First(), out Digest digest) ? digest : null;

    internal static KimgException Lying(string what, RegistryEndpoint endpoint, string how) =>
        new(ErrorCode.DigestMismatch, $"{what}: registry '{endpoint.Base.Authority}' sent one {how}")
        {
            Hint = "the registry is broken, or something between it and here changes the data",
        };

    private Task<Descriptor?> TryHeadAsync(ImageReference name, CancellationToken cancellationToken)
    {
        string what = $"manifest '{name}'";
        return ReadAsync(name, name.Digest is not null, endpoint => HeadAsync(endpoint), cancellationToken);

        async Task<Descriptor?> HeadAsync(RegistryEndpoint endpoint)
        {
            RegistryRequest request = Read(HttpMethod.Head, endpoint, name, $"manifests/{name.Digest?.ToString() ?? name.Tag}", what) with
            {
                Accept = s_acceptManifests,
                // An answer to HEAD cannot say why; the GET that follows can.
                Expected =
                [
                    HttpStatusCode.BadRequest, HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden, HttpStatusCode.MethodNotAllowed,
                ],
            };
            using HttpResponseMessage response = await Transport.SendAsync(request, cancellationToken);
            string? type = response.Content.Headers.ContentType?.MediaType;
            if (!response.IsSuccessStatusCode || !(MediaTypes.IsIndex(type) || MediaTypes.IsManifest(type))
                || HeaderDigest(response) is not { } digest || response.Content.Headers.ContentLength is not { } size)
            {
                return null;
            }

            if (name.Digest is { } asked && asked != digest) throw Lying(what, endpoint, $"with digest {digest} instead of {asked}");
            if (size > BoundedBody.Manifest) throw new KimgException(ErrorCode.InvalidManifest, $"{what} is larger than {BoundedBody.Manifest >> 20} MiB");
            return new Descriptor { MediaType = type!, Digest = digest, Size = size };
        }
    }

    private async Task<byte[]> BodyAsync(HttpResponseMessage response, int limit, RegistryRequest request, CancellationToken cancellationToken)
    {
        try
        {
            await using Stream body = new IdleTimeoutStream(await response.Content.ReadAsStreamAsync(cancellationToken), Options, response: null);
            return await BoundedBody.ReadAsync(body, response.Content.Headers.ContentLength, limit, request.What, cancellationToken);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw RegistryErrors.FromFailure(request, request.Endpoint, e);
        }
    }

    // Link: <…?n=…&last=…>; rel="next" (distribution-spec, "Listing Tags"). Only ever followed to the registry itself.
    private async IAsyncEnumerable<byte[]> PagesAsync(
        RegistryRequest first, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        RegistryRequest? next = first;
        for (int page = 0; next is not null && page < MaxPages; page++)
        {
            using HttpResponseMessage response = await Transport.SendAsync(next, cancellationToken);
            if (!response.IsSuccessStatusCode) yield break;
            yield return await BodyAsync(response, BoundedBody.List, next, cancellationToken);
            next = NextPage(response) is { } location ? first with { Location = location } : null;
        }
    }

    private static Uri? NextPage(HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues("Link", out IEnumerable<string>? values)) return null;
        string link = values.First();
        int open = link.IndexOf('<', StringComparison.Ordinal), close = link.IndexOf('>', StringComparison.Ordinal);
        if (open < 0 || close < open || !link[close..].Contains("next", StringComparison.Ordinal)) return null;
        Uri from = response.RequestMessage!.RequestUri!;
        return Uri.TryCreate(from, link[(open + 1)..close], out Uri? next) && HttpExchange.SameOrigin(from, next) ? next : null;
    }

    private static T Parse<T>(byte[] json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, string what)
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw new KimgException(ErrorCode.InvalidManifest, $"{what}: the answer is null");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new KimgException(ErrorCode.InvalidManifest, $"{what}: the answer is not valid: {OneLine.Of(e.Message, 200)}", e);
        }
    }
}
