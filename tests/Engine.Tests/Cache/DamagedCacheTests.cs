using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;
using Kimg.Engine.Cache;
using Kimg.Engine.Primitives;
using Kimg.Engine.RegistryServer;
using Xunit;

namespace Kimg.Engine.Tests.Cache;

/// <summary>Whatever is wrong with a cache: a warning, and the image that would have been built without it.</summary>
public sealed class DamagedCacheTests : IAsyncLifetime
{
    private const string Dockerfile = "FROM base\nRUN echo one >/one\nRUN echo two >/two\nRUN cat /one /two >/both\n";

    private CacheScene _scene = null!;
    private LocalCache _cache = null!;

    public async Task InitializeAsync()
    {
        _scene = await CacheScene.StartAsync();
        _cache = new LocalCache(_scene["cache"]);
        var export = new CacheDestination(_cache) { AllSteps = true, Compression = Kimg.Engine.Archive.Compression.Gzip };
        await _scene.NewMachine().BuildAsync(Dockerfile, r => r with { CacheTo = [export] });
    }

    public async Task DisposeAsync() => await _scene.DisposeAsync();

    [Fact]
    public async Task A_layer_with_other_bytes_is_made_again()
    {
        foreach (string blob in Blobs().Where(b => Head(b) == 0x1f))
        {
            byte[] bytes = await File.ReadAllBytesAsync(blob);
            bytes[^9] ^= 0x55;
            await File.WriteAllBytesAsync(blob, bytes);
        }

        // A step on top needs the layers' bytes.
        await BuildsWithWarningAsync(Dockerfile + "RUN cat /both >/again\n", "is not used any more", ran: 4);
    }

    [Fact]
    public async Task A_layer_that_is_cut_off_is_made_again()
    {
        foreach (string blob in Blobs().Where(b => Head(b) == 0x1f)) await File.WriteAllBytesAsync(blob, (await File.ReadAllBytesAsync(blob))[..20]);
        await BuildsWithWarningAsync(Dockerfile + "RUN cat /both >/again\n", "is not used any more", ran: 4);
    }

    [Fact]
    public async Task A_layer_that_is_cut_off_is_written_again_by_the_next_export()
    {
        Machine machine = _scene.NewMachine();
        Task<Built> ExportAsync() => machine.BuildAsync(Dockerfile, r => r with { CacheTo = [new CacheDestination(_cache) { AllSteps = true, IgnoreError = false }] });
        await ExportAsync();
        foreach (string blob in Blobs().Where(b => Head(b) != '{')) await File.WriteAllBytesAsync(blob, (await File.ReadAllBytesAsync(blob))[..20]);
        await ExportAsync();
        Built built = await _scene.NewMachine().BuildAsync(Dockerfile + "RUN cat /both >/again\n", _cache);
        Assert.Single(built.Ran);
        Assert.Empty(built.Events.Warnings);
    }

    [Fact]
    public async Task A_layer_that_is_gone_is_made_again_when_only_the_export_asks_for_it()
    {
        foreach (string blob in Blobs().Where(b => Head(b) == 0x1f)) File.Delete(blob);
        await BuildsWithWarningAsync(Dockerfile, "is not used any more", ran: 3);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"format\":1}")]
    [InlineData("{\"format\":99,\"keys\":\"kimg-cache-1\"}")]
    [InlineData("{\"format\":1,\"keys\":\"kimg-cache-0\",\"layers\":[],\"chains\":[],\"results\":[]}")]
    [InlineData("{\"format\":1,\"keys\":\"kimg-cache-1\",\"layers\":[],\"chains\":[],\"results\":null}")]
    [InlineData("{\"format\":1,\"keys\":\"kimg-cache-1\",\"layers\":[null],\"chains\":[],\"results\":[]}")]
    [InlineData("{\"format\":1,\"keys\":\"kimg-cache-1\",\"layers\":[],\"chains\":[{\"parent\":0,\"layer\":0}],\"results\":[]}")]
    [InlineData("{\"format\":1,\"keys\":\"kimg-cache-1\",\"layers\":[],\"chains\":[],\"results\":[{\"chain\":7,\"keys\":[]}]}")]
    public async Task A_document_that_makes_no_sense_is_told(string document)
    {
        Replace(Encoding.UTF8.GetBytes(document));
        await BuildsWithWarningAsync(Dockerfile, "A cache could not be imported", ran: 3);
    }

    [Fact]
    public async Task A_document_that_does_not_match_its_digest_is_told()
    {
        string config = Blobs().Single(b => Encoding.UTF8.GetString(File.ReadAllBytes(b)).StartsWith("{\"format\"", StringComparison.Ordinal));
        await File.WriteAllTextAsync(config, (await File.ReadAllTextAsync(config)).Replace("\"format\":1", "\"format\":2", StringComparison.Ordinal));
        await BuildsWithWarningAsync(Dockerfile, "has the digest", ran: 3);
    }

    /// <summary>A layer that says it is one thing and unpacks to another; its blob's digest is right.</summary>
    [Fact]
    public async Task A_layer_that_unpacks_to_something_else_is_not_used()
    {
        Edit(document =>
        {
            foreach (JsonNode? layer in document["layers"]!.AsArray())
            {
                if (layer!["blob"] is not null) layer["diffId"] = Digest.Sha256("something else").ToString();
            }
        });
        await BuildsWithWarningAsync(Dockerfile + "RUN cat /both >/again\n", "is not used any more", ran: 4);
    }

    /// <summary>Who may write to a cache decides what its steps give. What it may not do is to pass its layers for others: here it claims that its layer is the one
    /// that COPY makes, and a later build without the cache must not see it.</summary>
    [Fact]
    public async Task A_layer_cannot_take_the_place_of_one_that_is_made_here()
    {
        const string copy = "FROM base\nCOPY source /file\nRUN cat /file >/seen\n";
        Machine maker = _scene.NewMachine();
        Built honest = await maker.BuildAsync(copy, r => r with { CacheTo = [new CacheDestination(new LocalCache(_scene["honest"])) { AllSteps = true }] });
        string honestId = Document(_scene["honest"])["layers"]!.AsArray().Select(l => l!).First(l => l["blob"] is not null)["id"]!.GetValue<string>();
        Edit(document => document["layers"]!.AsArray().First(l => l!["blob"] is not null)!["id"] = honestId);
        Machine victim = _scene.NewMachine();
        Built poisoned = await victim.BuildAsync(Dockerfile + "RUN cat /both >/again\n", _cache);
        Assert.Empty(poisoned.Events.Warnings);
        Built after = await victim.BuildAsync(copy + "RUN cat /file >/seen2\n");
        Assert.Equal(3, after.Ran.Length);
        Assert.Equal(LayerDigests(maker.State + "-out", honest).Take(3), LayerDigests(victim.State + "-out", after).Take(3));
    }

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    [InlineData(500)]
    public async Task A_registry_that_refuses_is_told(int status)
    {
        _scene.Registry.Fault = (request, next) =>
            request.Path.Contains("/secret/", StringComparison.Ordinal) ? Task.FromResult(new ServerResponse(status)) : next();
        Built built = await _scene.NewMachine().BuildAsync(Dockerfile, r => r with
        {
            CacheFrom = [new CacheSource(_scene.InRegistry("secret/cache:1")), new CacheSource(_cache)],
            CacheTo = [new CacheDestination(_scene.InRegistry("secret/cache:1"))],
        });
        built.AssertNothingRan();
        Assert.Equal(2, built.Events.Warnings.Count);
        Assert.Empty(built.Events.Errors);
        Assert.Contains(built.Events.Warnings, w => w.StartsWith("A cache could not be imported", StringComparison.Ordinal));
        Assert.Contains(built.Events.Warnings, w => w.StartsWith("A cache could not be exported", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_export_that_must_not_fail_fails_the_build()
    {
        _scene.Registry.Fault = (request, next) => request.Path.Contains("/secret/", StringComparison.Ordinal) ? Task.FromResult(new ServerResponse(403)) : next();
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => _scene.NewMachine().BuildAsync(
            Dockerfile, r => r with { CacheTo = [new CacheDestination(_scene.InRegistry("secret/cache:1")) { IgnoreError = false }] }));
        Assert.Equal(ErrorCode.AccessDenied, error.Code);
    }

    [Fact]
    public async Task An_image_without_a_cache_and_a_name_without_an_image_are_told()
    {
        Built built = await _scene.NewMachine().BuildAsync(Dockerfile, r => r with
        {
            CacheFrom = [new CacheSource(_scene.InRegistry("base:1")), new CacheSource(_scene.InRegistry("nothing:1"))],
        });
        Assert.Equal(3, built.Ran.Length);
        Assert.Contains(built.Events.Warnings, w => w.Contains("has no inline cache", StringComparison.Ordinal));
        Assert.Contains(built.Events.Warnings, w => w.Contains("there is no cache", StringComparison.Ordinal));
        Assert.Empty(built.Events.Errors);
    }

    [Theory]
    [InlineData("TRUNCATED")]
    [InlineData("{\"manifests\":[{")]
    [InlineData("{\"schemaVersion\":2,\"manifests\":[]}}")]
    public async Task An_index_that_is_cut_off_is_told_in_plain_words(string index)
    {
        await File.WriteAllTextAsync(_scene["cache/index.json"], index);
        await BuildsWithWarningAsync(Dockerfile, "index.json of '" + _scene["cache"] + "' is not valid: it is not JSON", ran: 3);
    }

    [Fact]
    public async Task A_place_that_is_not_there_is_told_and_nothing_is_made_for_it()
    {
        var nowhere = new UnavailableCache("gha", new KimgException(ErrorCode.InvalidCacheOption, "X is not set") { Hint = "set it" });
        Machine machine = _scene.NewMachine();
        Built built = await machine.BuildAsync(
            Dockerfile, r => r with { CacheFrom = [new CacheSource(nowhere)], CacheTo = [new CacheDestination(nowhere) { AllSteps = true }] });
        Assert.Equal(3, built.Ran.Length);
        Assert.Equal(
            ["A cache could not be exported: X is not set (set it)", "A cache could not be imported: X is not set (set it)"], built.Events.Warnings.Order(StringComparer.Ordinal));
        Assert.Empty(built.Events.Errors);
        Assert.DoesNotContain(built.Events.Log, line => line.StartsWith("preparing", StringComparison.Ordinal));
        KimgException error = await Assert.ThrowsAsync<KimgException>(
            () => machine.BuildAsync(Dockerfile, r => r with { CacheTo = [new CacheDestination(nowhere) { IgnoreError = false }] }));
        Assert.Equal(ErrorCode.InvalidCacheOption, error.Code);
    }

    private async Task BuildsWithWarningAsync(string dockerfile, string warning, int ran)
    {
        Machine machine = _scene.NewMachine();
        Built built = await machine.BuildAsync(dockerfile, _cache);
        Assert.Equal(ran, built.Ran.Distinct().Count());
        Assert.Contains(built.Events.Warnings, w => w.Contains(warning, StringComparison.Ordinal));
        Assert.DoesNotContain(built.Events.Errors, e => e.StartsWith("importing", StringComparison.Ordinal));
        Assert.Equal("one\ntwo\n", await ImageText.ReadAsync(machine, "both"));
        (await machine.BuildAsync(dockerfile)).AssertNothingRan();
    }

    private IEnumerable<string> Blobs() => Directory.GetFiles(_scene["cache/blobs/sha256"]);

    private static int Head(string path)
    {
        using FileStream file = File.OpenRead(path);
        return file.ReadByte();
    }

    private static JsonNode Document(string directory) => JsonNode.Parse(File.ReadAllBytes(
        Directory.GetFiles(directory + "/blobs/sha256").Single(b => Encoding.UTF8.GetString(File.ReadAllBytes(b)).StartsWith("{\"format\"", StringComparison.Ordinal))))!;

    private void Edit(Action<JsonNode> change)
    {
        JsonNode document = Document(_scene["cache"]);
        change(document);
        Replace(Encoding.UTF8.GetBytes(document.ToJsonString()));
    }

    /// <summary>Gives the cache another document, with digests that are right.</summary>
    private void Replace(byte[] document)
    {
        string index = _scene["cache/index.json"], blobs = _scene["cache/blobs/sha256/"];
        JsonNode root = JsonNode.Parse(File.ReadAllBytes(index))!;
        string old = root["manifests"]![0]!["digest"]!.GetValue<string>()[7..];
        JsonNode manifest = JsonNode.Parse(File.ReadAllBytes(blobs + old))!;
        Describe(manifest["config"]!, document);
        byte[] bytes = Encoding.UTF8.GetBytes(manifest.ToJsonString());
        Describe(root["manifests"]![0]!, bytes);
        File.WriteAllText(index, root.ToJsonString());

        void Describe(JsonNode descriptor, byte[] content)
        {
            Digest digest = Digest.Sha256(content);
            File.WriteAllBytes(blobs + digest.Hex, content);
            descriptor["digest"] = digest.ToString();
            descriptor["size"] = content.Length;
        }
    }

    private static ImmutableArray<string> LayerDigests(string layout, Built built)
    {
        JsonNode manifest = JsonNode.Parse(File.ReadAllBytes($"{layout}/blobs/sha256/{built.Digest.Hex}"))!;
        return [.. manifest["layers"]!.AsArray().Select(l => l!["digest"]!.GetValue<string>())];
    }
}
