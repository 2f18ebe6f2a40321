using System.Net;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>The blobs (and manifests) of one repository. Layers that are not distributed with the image are fetched from the
/// <c>urls</c> of their descriptor when the registry has no copy.</summary>
internal sealed class RegistryBlobs(RegistryClient client, ImageReference name) : IBlobProvider
{
    public async Task<Stream> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken)
    {
        if (MediaTypes.IsIndex(descriptor.MediaType) || MediaTypes.IsManifest(descriptor.MediaType))
        {
            ManifestDocument manifest = await client.GetManifestAsync(name, descriptor, cancellationToken);
            return new ReadOnlyMemoryStream(manifest.Bytes[(int)offset..]);
        }

        if (descriptor.Data is { } data && data.Length == descriptor.Size && ContentHash.Of(data, descriptor.Digest) == descriptor.Digest)
            return new ReadOnlyMemoryStream(data.AsMemory((int)offset));

        try
        {
            return await client.ReadAsync(name, true, endpoint => OpenAsync(Request(endpoint), descriptor, cancellationToken), cancellationToken);
        }
        catch (KimgException e) when (e.Code == ErrorCode.ImageNotFound && IsForeign(descriptor) && descriptor.Urls is { Length: > 0 } urls)
        {
            return await OpenForeignAsync(descriptor, urls, offset, e, cancellationToken);
        }

        RegistryRequest Request(RegistryEndpoint endpoint) =>
            RegistryClient.Read(HttpMethod.Get, endpoint, name, $"blobs/{descriptor.Digest}", $"blob {descriptor.Digest} of '{name.Name}'") with
            {
                Offset = offset,
                Expected = [HttpStatusCode.RequestedRangeNotSatisfiable],
            };
    }

    internal static bool IsForeign(Descriptor descriptor) =>
        descriptor.MediaType == MediaTypes.DockerForeignLayer || descriptor.MediaType.Contains(".nondistributable.", StringComparison.Ordinal);

    private async Task<Stream> OpenAsync(RegistryRequest request, Descriptor descriptor, CancellationToken cancellationToken)
    {
        HttpResponseMessage response = await client.Transport.SendAsync(request, cancellationToken);
        try
        {
            if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && request.Offset == descriptor.Size)
            {
                response.Dispose();
                return Stream.Null;
            }

            long from = response.StatusCode == HttpStatusCode.PartialContent ? request.Offset : 0;
            if (response.Content.Headers.ContentRange?.From is { } begin && begin != from)
                throw RegistryClient.Lying(request.What, request.Endpoint, $"from byte {begin} instead of {from}");
            if (response.Content.Headers.ContentLength is { } length && length != descriptor.Size - from)
                throw RegistryClient.Lying(request.What, request.Endpoint, $"of {length + from} bytes instead of {descriptor.Size}");
            var stream = new IdleTimeoutStream(await response.Content.ReadAsStreamAsync(cancellationToken), client.Options, response);
            // A registry may ignore the range and send all of it.
            await SkipAsync(stream, request.Offset - from, cancellationToken);
            return stream;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    // The addresses come from a manifest that anyone may have written: no credentials go there, and no host more private than the registry.
    private async Task<Stream> OpenForeignAsync(
        Descriptor descriptor, IEnumerable<string> urls, long offset, KimgException notInRegistry, CancellationToken cancellationToken)
    {
        RegistryEndpoint registry = client.Transport.Endpoints.Upstream(name.Registry, name.Repository);
        KimgException last = notInRegistry;
        foreach (string text in urls)
        {
            if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? url) || !(url.Scheme == "https" || (url.Scheme == "http" && registry.Insecure))
                || !await client.Transport.Trust.MayNameAsync(registry.Base, url, cancellationToken))
            {
                continue;
            }

            var elsewhere = new RegistryEndpoint(new Uri(url.GetLeftPart(UriPartial.Authority)), url.Authority);
            var request = new RegistryRequest(HttpMethod.Get, elsewhere, "", $"blob {descriptor.Digest} at '{RedactedUrl.Of(url)}'")
            {
                Location = url,
                Offset = offset,
                Anonymous = true,
            };
            try
            {
                return await OpenAsync(request, descriptor, cancellationToken);
            }
            catch (KimgException e)
            {
                last = e;
            }
        }

        throw last;
    }

    private static async Task SkipAsync(Stream stream, long count, CancellationToken cancellationToken)
    {
        byte[] buffer = count > 0 ? new byte[Math.Min(count, 128 << 10)] : [];
        while (count > 0)
        {
            int read = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, count)), cancellationToken);
            if (read == 0) throw new IOException("the body ended before the part asked for");
            count -= read;
        }
    }
}
