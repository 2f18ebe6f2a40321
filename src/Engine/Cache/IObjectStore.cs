using Kimg.Engine.Primitives;

namespace Kimg.Engine.Cache;

/// <summary>Objects by key: what S3 and Azure's blob storage have in common.</summary>
internal interface IObjectStore
{
    string Name { get; }

    /// <summary>null: there is no such object.</summary>
    Task<Stream?> OpenAsync(string key, long offset, CancellationToken cancellationToken);

    /// <summary>Whether it is there with all its bytes; then whatever expires unused objects learns that this one is in use.</summary>
    Task<bool> TouchAsync(string key, long size, CancellationToken cancellationToken);

    /// <param name="open">Opens its bytes from the start, for each attempt.</param>
    Task PutAsync(string key, Digest digest, long size, Func<CancellationToken, Task<Stream>> open, Action<long>? progress, CancellationToken cancellationToken);
}
