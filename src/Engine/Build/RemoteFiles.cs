using System.Text.Json.Serialization;
using Kimg.Engine.Archive;
using Kimg.Engine.Cache;
using Kimg.Engine.Content;
using Kimg.Engine.Graph;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>What one build fetches over http and git.</summary>
internal sealed class RemoteFiles : IDisposable
{
    private readonly IContentStore _store;

    public RemoteFiles(BuildServices services, SecretReader secrets, AgentSources agents, TemporaryDirectory temporary)
    {
        _store = services.Content;
        Http = new HttpDownloads(services.Options.Registry, _store, new HttpMemory(services.State), secrets.ReadAsync);
        var options = new GitOptions
        {
            Directory = services.State.Git, Environment = services.Options.Environment, CaFile = services.Options.Registry.SslCertFile,
        };
        Git = new GitRepositories(options, secrets.ReadAsync, () => agents.SocketOf("default"), temporary.MakeEmpty, services.Options.Time);
    }

    public HttpDownloads Http { get; }

    public GitRepositories Git { get; }

    public Stream Open(HttpDownload file) => _store.OpenRead(file.Content);

    /// <summary>A tar with at least one entry, in any compression.</summary>
    public bool IsArchive(HttpDownload file)
    {
        try
        {
            using Stream bytes = Open(file);
            using Stream tar = Codec.Decompress(bytes, leaveOpen: true);
            return new TarReader(tar, TarDialect.Plain).ReadNext() is not null;
        }
        catch (KimgException error) when (error.Code != ErrorCode.StoreCorrupt)
        {
            return false;
        }
    }

    /// <summary>When a source was made, in seconds since 1970: its commit's time; Last-Modified, else the newest file of the archive; null: unknown.</summary>
    public async Task<long?> TimeOfAsync(Op source, CancellationToken cancellationToken)
    {
        if (source is GitSourceOp git) return (await Git.CheckoutAsync(git, cancellationToken)).Committed;
        if (source is not HttpSourceOp http) return null;
        HttpDownload file = await Http.FetchAsync(http.Url, http.Checksum, null, cancellationToken);
        return file.LastModified ?? (IsArchive(file) ? Newest(file) : null);
    }

    public void Dispose() => Http.Dispose();

    private long? Newest(HttpDownload file)
    {
        long? newest = null;
        using Stream bytes = Open(file);
        using Stream tar = Codec.Decompress(bytes, leaveOpen: true);
        var reader = new TarReader(tar, TarDialect.Plain);
        while (reader.ReadNext() is { } entry) newest = Math.Max(newest ?? long.MinValue, entry.ModifiedSeconds);
        return newest;
    }

    private sealed class HttpMemory(StateLayout state) : IHttpMemory
    {
        private readonly RecordStore<HttpValidator> _records = new(state.Http, state.Ingest, () => HttpMemoryJson.Default.HttpValidator);

        public HttpValidator? Find(Digest url) => _records.Use(url);

        public void Keep(Digest url, HttpValidator validator) => _records.Write(url, validator);
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(DigestJsonConverter)])]
[JsonSerializable(typeof(HttpValidator))]
internal sealed partial class HttpMemoryJson : JsonSerializerContext;
