using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Cache;

/// <summary>The cache service of GitHub Actions, version 2: entries are written once and never changed, and found by their key or by how it begins. A blob is an
/// entry under its digest; the manifest is written under a new key each time, and the newest is read.</summary>
internal sealed class GitHubCacheStore : ICacheStore, IBlobProvider
{
    // Entries of other programs have other versions and are never found.
    private static readonly string s_version = Digest.Sha256("kimg-cache-1").Hex;
    private const int MaxAnswer = 1 << 20;

    private readonly GitHubCache _cache;
    private readonly CacheHttp _http;
    private readonly string _scope;
    private readonly Uri _service;

    public GitHubCacheStore(GitHubCache cache, CacheHttp http, string scope)
    {
        (_cache, _http, _scope) = (cache, http, cache.Scope ?? scope);
        _service = new Uri(cache.Url.AbsoluteUri.TrimEnd('/') + "/twirp/github.actions.results.api.v1.CacheService/");
    }

    public string Name => $"gha:{_scope}";

    public IBlobProvider Blobs => this;

    public string? Source => null;

    private string ManifestPrefix => $"kimg-manifest-{Digest.Sha256(_scope).Hex[..16]}-";

    public Task<ManifestDocument?> FindAsync(CancellationToken cancellationToken) => InTimeAsync(async token =>
    {
        // No entry has the prefix itself as its key, so the newest of those that begin with it answers.
        if (await FindAsync(ManifestPrefix, prefix: true, token) is not { } address) return null;
        await using Stream? body = await _http.OpenAsync(new CacheRequest(HttpMethod.Get, address, $"manifest '{Name}'"), 0, token);
        if (body is null) return null;
        byte[] bytes = await BoundedBody.ReadAsync(body, null, BoundedBody.Manifest, $"manifest '{Name}'", token);
        return ManifestDocument.Parse(bytes, Digest.Sha256(bytes), null, $"manifest '{Name}'");
    }, cancellationToken);

    public async Task<Stream> OpenBlobAsync(Descriptor descriptor, long offset, CancellationToken cancellationToken)
    {
        Uri? address = await FindAsync(KeyOf(descriptor.Digest), prefix: false, cancellationToken);
        Stream? body = address is null ? null
            : await _http.OpenAsync(new CacheRequest(HttpMethod.Get, address, $"blob {descriptor.Digest}"), offset, cancellationToken);
        return body ?? throw new KimgException(ErrorCode.ImageNotFound, $"blob {descriptor.Digest} is not in '{Name}' any more");
    }

    public Task WriteAsync(CacheArtifact artifact, CacheUpload upload, CancellationToken cancellationToken) => InTimeAsync(async token =>
    {
        IBlobProvider source = artifact.With(upload.Blobs);
        // The service counts requests and is quick to refuse: few at once.
        var options = new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = token };
        await Parallel.ForEachAsync(artifact.Blobs.Append(artifact.ConfigDescriptor).DistinctBy(b => b.Digest), options, async (blob, stop) =>
        {
            // A lookup also finds what the base branch has; only writing is for this branch alone.
            if (await FindAsync(KeyOf(blob.Digest), prefix: false, stop) is null)
                await PutAsync(KeyOf(blob.Digest), blob, source, bytes => upload.Progress(blob, bytes), stop);
            upload.Progress(blob, blob.Size);
        });
        string stamp = _http.Options.Time.GetUtcNow().ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        await PutAsync($"{ManifestPrefix}{stamp}-{artifact.Root.Descriptor.Digest.Hex[..8]}", artifact.Root.Descriptor, source, null, token);
        return true;
    }, cancellationToken);

    private static string KeyOf(Digest digest) => $"kimg-blob-{digest.Hex}";

    private async Task PutAsync(string key, Descriptor blob, IBlobProvider source, Action<long>? progress, CancellationToken cancellationToken)
    {
        CreateAnswer? created = await CallAsync(
            "CreateCacheEntry", new CreateRequest(key, s_version), GitHubCacheJson.Default.CreateRequest, GitHubCacheJson.Default.CreateAnswer, [409], cancellationToken);
        if (created is not { Ok: true, SignedUploadUrl: { Length: > 0 } address })
        {
            await WaitForAsync(key, cancellationToken);
            return;
        }

        var upload = new AzureUpload(_http, null);
        if (!await upload.TryPutAsync(
            new Uri(address), $"entry '{key}'", blob.Size,
            async token => new VerifiedStream(await source.OpenBlobAsync(blob, 0, token), blob.Digest, blob.Size), progress, cancellationToken))
        {
            throw new KimgException(ErrorCode.RegistryRefused, $"entry '{key}': the address to upload to is gone");
        }

        FinalizeAnswer? done = await CallAsync(
            "FinalizeCacheEntryUpload", new FinalizeRequest(key, s_version, blob.Size.ToString(CultureInfo.InvariantCulture)),
            GitHubCacheJson.Default.FinalizeRequest, GitHubCacheJson.Default.FinalizeAnswer, [], cancellationToken);
        if (done is not { Ok: true }) throw new KimgException(ErrorCode.RegistryRefused, $"entry '{key}': the cache service did not accept it");
    }

    // Another build may be just writing it. One that was never finished stays taken and never comes: a manifest must not name it.
    private async Task WaitForAsync(string key, CancellationToken cancellationToken)
    {
        for (int attempt = 1; await FindAsync(key, prefix: false, cancellationToken) is null; attempt++)
        {
            if (attempt == _http.Options.Attempts)
            {
                throw new KimgException(ErrorCode.RegistryRefused, $"entry '{key}': the cache service did not take it, and has none of that key")
                {
                    Hint = "another job may have stopped while it wrote the entry, or the cache is read-only for this job; delete the entry, or leave out --cache-to",
                };
            }

            await Task.Delay(new RetryPolicy(_http.Options).Backoff(attempt), _http.Options.Time, cancellationToken);
        }
    }

    private async Task<Uri?> FindAsync(string key, bool prefix, CancellationToken cancellationToken)
    {
        FindAnswer? found = await CallAsync(
            "GetCacheEntryDownloadURL", new FindRequest(key, prefix ? [key] : [], s_version), GitHubCacheJson.Default.FindRequest, GitHubCacheJson.Default.FindAnswer,
            [404], cancellationToken);
        if (found is not { Ok: true, SignedDownloadUrl: { Length: > 0 } address } || (!prefix && found.MatchedKey != key)) return null;
        return Uri.TryCreate(address, UriKind.Absolute, out Uri? parsed) && parsed.Scheme is "https" or "http" ? parsed : null;
    }

    private async Task<TAnswer?> CallAsync<TRequest, TAnswer>(
        string method, TRequest request, System.Text.Json.Serialization.Metadata.JsonTypeInfo<TRequest> requestType,
        System.Text.Json.Serialization.Metadata.JsonTypeInfo<TAnswer> answerType, int[] expected, CancellationToken cancellationToken)
        where TAnswer : class
    {
        (int status, byte[] body) = await _http.ReadAsync(
            new CacheRequest(HttpMethod.Post, new Uri(_service, method), method)
            {
                Headers = new Dictionary<string, string> { ["Authorization"] = "Bearer " + _cache.Token.Reveal() },
                Body = RequestBody.Of("application/json", JsonSerializer.SerializeToUtf8Bytes(request, requestType)),
                Expected = expected,
            },
            MaxAnswer,
            cancellationToken);
        if (expected.Contains(status)) return null;
        try
        {
            return JsonSerializer.Deserialize(body, answerType);
        }
        catch (JsonException e)
        {
            throw new KimgException(ErrorCode.RegistryRefused, $"{method}: the cache service's answer is no JSON: {OneLine.Of(Encoding.UTF8.GetString(body), 100)}", e);
        }
    }

    private async Task<T> InTimeAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_cache.Timeout, _http.Options.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await work(either.Token);
        }
        catch (OperationCanceledException e) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new KimgException(ErrorCode.RegistryUnreachable, $"'{Name}' took longer than {_cache.Timeout}", e) { Hint = "raise timeout=" };
        }
    }
}

internal sealed record CreateRequest(string Key, string Version);

internal sealed record CreateAnswer(bool Ok, string? SignedUploadUrl);

/// <param name="SizeBytes">An int64, which protobuf's JSON writes as a string.</param>
internal sealed record FinalizeRequest(string Key, string Version, string SizeBytes);

internal sealed record FinalizeAnswer(bool Ok);

internal sealed record FindRequest(string Key, string[] RestoreKeys, string Version);

internal sealed record FindAnswer(bool Ok, string? SignedDownloadUrl, string? MatchedKey);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(CreateRequest))]
[JsonSerializable(typeof(CreateAnswer))]
[JsonSerializable(typeof(FinalizeRequest))]
[JsonSerializable(typeof(FinalizeAnswer))]
[JsonSerializable(typeof(FindRequest))]
[JsonSerializable(typeof(FindAnswer))]
internal sealed partial class GitHubCacheJson : JsonSerializerContext;
