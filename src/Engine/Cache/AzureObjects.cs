using Kimg.Engine.Primitives;

namespace Kimg.Engine.Cache;

/// <summary>Objects of a container of Azure's blob storage.</summary>
internal sealed class AzureObjects(AzureBlobCache cache, CacheHttp http, AzureAuthorization authorization) : IObjectStore
{
    public string Name => $"{cache.AccountUrl.GetLeftPart(UriPartial.Path).TrimEnd('/')}/{cache.Container}";

    public Task<Stream?> OpenAsync(string key, long offset, CancellationToken cancellationToken) =>
        http.OpenAsync(Request(HttpMethod.Get, key), offset, cancellationToken);

    public async Task<bool> TouchAsync(string key, long size, CancellationToken cancellationToken)
    {
        using HttpResponseMessage found = await http.SendAsync(Request(HttpMethod.Head, key) with { Expected = [404] }, cancellationToken);
        return found.IsSuccessStatusCode && (found.Content.Headers.ContentLength ?? size) == size;
    }

    public async Task PutAsync(
        string key, Digest digest, long size, Func<CancellationToken, Task<Stream>> open, Action<long>? progress, CancellationToken cancellationToken)
    {
        var upload = new AzureUpload(http, authorization.AuthorizeAsync);
        if (await upload.TryPutAsync(Address(key), $"'{key}'", size, open, progress, cancellationToken)) return;
        (await http.SendAsync(
            new CacheRequest(HttpMethod.Put, With(ContainerAddress(), "restype=container"), $"container '{cache.Container}'")
            {
                Authorize = authorization.AuthorizeAsync, Expected = [409], // another build was first
            },
            cancellationToken)).Dispose();
        if (!await upload.TryPutAsync(Address(key), $"'{key}'", size, open, progress, cancellationToken))
            throw new KimgException(ErrorCode.RegistryRefused, $"there is no container '{cache.Container}'");
    }

    private CacheRequest Request(HttpMethod method, string key) => new(method, Address(key), $"'{key}'") { Authorize = authorization.AuthorizeAsync };

    private Uri Address(string key) =>
        Append($"{cache.Container}/{string.Join('/', $"{cache.Prefix}/{key}".Split('/', StringSplitOptions.RemoveEmptyEntries).Select(Uri.EscapeDataString))}");

    private Uri ContainerAddress() => Append(cache.Container);

    // A shared access signature is the query of the account's address.
    private Uri Append(string path) => new(cache.AccountUrl.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/" + path + cache.AccountUrl.Query);

    internal static Uri With(Uri address, string query) => new(address.AbsoluteUri + (address.Query.Length > 1 ? "&" : "?") + query);
}
