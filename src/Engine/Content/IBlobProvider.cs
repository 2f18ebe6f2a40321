using Kimg.Engine.Oci;

namespace Kimg.Engine.Content;

/// <summary>Blobs that are elsewhere (a registry, an OCI layout). Reads are not yet verified: the reader wraps them.</summary>
public interface IBlobProvider
{
    /// <summary>Opens the blob from byte <paramref name="offset"/> on.</summary>
    /// <exception cref="Primitives.KimgException">ImageNotFound, RegistryUnreachable, AccessDenied, …</exception>
    Task<Stream> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken);
}
