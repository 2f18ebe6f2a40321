using System.Text.Json.Nodes;
using Kimg.Engine.Build;
using Kimg.Engine.Cache;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Cache;

/// <summary>Builds on one machine, then on another that has nothing but the cache.</summary>
public sealed class RegistryCacheTests : IAsyncLifetime
{
    private CacheScene _scene = null!;

    public async Task InitializeAsync() => _scene = await CacheScene.StartAsync();

    public async Task DisposeAsync() => await _scene.DisposeAsync();

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task Another_machine_runs_nothing_and_makes_the_same_image(bool imageManifest, bool oci)
    {
        Built first = await _scene.NewMachine().BuildAsync(CacheScene.TwoStages, r => r with
        {
            CacheTo = [new CacheDestination(_scene.InRegistry("app:cache")) { AllSteps = true, ImageManifest = imageManifest, OciMediaTypes = oci }],
        });
        Assert.Equal(5, first.Ran.Length);
        Built second = await _scene.NewMachine().BuildAsync(CacheScene.TwoStages, _scene.InRegistry("app:cache"));
        second.AssertNothingRan();
        Assert.Equal(first.Digest, second.Digest);
        Assert.Empty(second.Events.Warnings);
    }

    [Fact]
    public async Task Only_the_layers_that_a_changed_step_needs_are_fetched()
    {
        await ExportAsync(allSteps: true);
        Machine machine = _scene.NewMachine();
        _scene.Registry.Requests.Clear();
        Built changed = await machine.BuildAsync(CacheScene.TwoStages.Replace("cat /result >/final", "cat /result /tools* >/final; true", StringComparison.Ordinal), _scene.InRegistry("app:cache"));
        Assert.Single(changed.Ran);
        // The two of the base and COPY; neither those of the build stage, nor the last.
        Assert.Equal(3, Layers(_scene.BlobRequests("GET")));
    }

    [Fact]
    public async Task A_push_of_what_is_cached_moves_no_layer()
    {
        await ExportAsync(allSteps: false);
        Machine machine = _scene.NewMachine();
        _scene.Registry.Requests.Clear();
        Built built = await machine.BuildAsync(CacheScene.TwoStages, r => r with
        {
            CacheFrom = [new CacheSource(_scene.InRegistry("app:cache"))],
            Names = [_scene.Name("elsewhere/app:1")],
            Outputs = [new OutputSpec { Type = OutputType.Image, Push = true }],
        });
        built.AssertNothingRan();
        Assert.Equal(0, Layers(_scene.BlobRequests("GET")));
        Assert.Equal(5, _scene.BlobRequests("POST").Length);
        // Four of them were mounted; the configuration is new.
        Assert.Single(_scene.BlobRequests("PUT"));
    }

    [Fact]
    public async Task The_smaller_cache_has_only_what_is_in_the_image()
    {
        await ExportAsync(allSteps: false);
        Built same = await _scene.NewMachine().BuildAsync(CacheScene.TwoStages, _scene.InRegistry("app:cache"));
        same.AssertNothingRan();
        Built changed = await _scene.NewMachine().BuildAsync(CacheScene.TwoStages.Replace("echo tools", "echo other tools", StringComparison.Ordinal), _scene.InRegistry("app:cache"));
        // The build stage runs again, but gives the same /result: its COPY and what follows are found.
        Assert.Equal(3, changed.Ran.Length);
    }

    [Fact]
    public async Task A_second_export_sends_only_what_is_new()
    {
        Machine machine = _scene.NewMachine();
        Func<BuildRequest, BuildRequest> export = r => r with { CacheTo = [new CacheDestination(_scene.InRegistry("app:cache")) { AllSteps = true }] };
        await machine.BuildAsync(CacheScene.TwoStages, export);
        _scene.Registry.Requests.Clear();
        _scene.Write("source", "other source\n");
        await machine.BuildAsync(CacheScene.TwoStages, export);
        // COPY source, tr, COPY --from, cat, and the document.
        Assert.Equal(5, _scene.Registry.Requests.Count(r => r.StartsWith("POST ", StringComparison.Ordinal) && r.Contains("/blobs/uploads", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task What_was_imported_is_exported_again_without_being_fetched()
    {
        await ExportAsync(allSteps: true);
        Machine machine = _scene.NewMachine();
        _scene.Registry.Requests.Clear();
        await machine.BuildAsync(CacheScene.TwoStages, r => r with
        {
            CacheFrom = [new CacheSource(_scene.InRegistry("app:cache"))],
            CacheTo = [new CacheDestination(_scene.InRegistry("other:cache")) { AllSteps = true }],
            Outputs = [],
        });
        Assert.Equal(0, Layers(_scene.BlobRequests("GET")));
        Built third = await _scene.NewMachine().BuildAsync(CacheScene.TwoStages, _scene.InRegistry("other:cache"));
        third.AssertNothingRan();
        // The build stage travelled along although nothing of it was needed.
        _scene.Write("source", "other source\n");
        Built changed = await _scene.NewMachine().BuildAsync(CacheScene.TwoStages, _scene.InRegistry("other:cache"));
        Assert.Equal(4, changed.Ran.Length);
    }

    [Fact]
    public async Task An_inline_cache_is_imported_from_the_image()
    {
        Built first = await _scene.NewMachine().BuildAsync(CacheScene.TwoStages, r => r with
        {
            Names = [_scene.Name("app:1")],
            Outputs = [new OutputSpec { Type = OutputType.Image, Push = true }],
            CacheTo = [new CacheDestination(new InlineCache())],
        });
        Built second = await _scene.NewMachine().BuildAsync(CacheScene.TwoStages, r => r with
        {
            CacheFrom = [new CacheSource(_scene.InRegistry("app:1"))],
            CacheTo = [new CacheDestination(new InlineCache())],
        });
        second.AssertNothingRan();
        Assert.Equal(first.Digest, second.Digest);
        Built derived = await _scene.NewMachine().BuildAsync($"FROM {_scene.Registry.Host}/app:1\nRUN true\n");
        Assert.DoesNotContain("dev.kimg.cache", await File.ReadAllTextAsync(Directory.GetFiles(_scene["state3-out/blobs/sha256"])
            .First(f => Path.GetFileName(f) == derived.Result.ImageId!.Value.Hex)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_local_cache_is_an_OCI_layout_and_keeps_to_what_is_referred_to()
    {
        var local = new LocalCache(_scene["cache"]) { Reset = true };
        Machine machine = _scene.NewMachine();
        Func<BuildRequest, BuildRequest> export = r => r with { CacheTo = [new CacheDestination(local) { AllSteps = true }] };
        await machine.BuildAsync(CacheScene.TwoStages, export);
        int before = Directory.GetFiles(_scene["cache/blobs/sha256"]).Length;
        _scene.Write("source", "other source\n");
        await machine.BuildAsync(CacheScene.TwoStages, export);
        Assert.Equal(before, Directory.GetFiles(_scene["cache/blobs/sha256"]).Length);
        (await _scene.NewMachine().BuildAsync(CacheScene.TwoStages, local)).AssertNothingRan();
        string copied = await HostProgram.MustAsync("skopeo", "copy", $"oci:{_scene["cache"]}:latest", $"dir:{_scene["copied"]}");
        Assert.Contains("Writing manifest", copied, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_registry_that_is_not_ours_takes_and_gives_caches()
    {
        using DebianRegistry theirs = await DebianRegistry.StartAsync();
        foreach ((string tag, bool manifest) in new[] { ("manifest", true), ("index", false) })
        {
            var cache = new RegistryCache(ImageReference.Parse($"{theirs.Host}/team/app:{tag}"));
            var export = new CacheDestination(cache) { AllSteps = true, ImageManifest = manifest, IgnoreError = false };
            await _scene.NewMachine().BuildAsync(CacheScene.TwoStages, r => r with { CacheTo = [export] });
            (await _scene.NewMachine().BuildAsync(CacheScene.TwoStages, cache)).AssertNothingRan();
        }

        string raw = await HostProgram.MustAsync("skopeo", "inspect", "--raw", "--tls-verify=false", $"docker://{theirs.Host}/team/app:manifest");
        Assert.Equal("application/vnd.kimg.cache.config.v1+json", JsonNode.Parse(raw)!["config"]!["mediaType"]!.GetValue<string>());
        await HostProgram.MustAsync("skopeo", "copy", "--src-tls-verify=false", $"docker://{theirs.Host}/team/app:manifest", $"oci:{_scene["copy"]}:c");
        (await _scene.NewMachine().BuildAsync(CacheScene.TwoStages, new LocalCache(_scene["copy"], "c"))).AssertNothingRan();
        // The only one there is needs no name.
        (await _scene.NewMachine().BuildAsync(CacheScene.TwoStages, new LocalCache(_scene["copy"]))).AssertNothingRan();
    }

    /// <summary>What an operator runs at night. Without any tag the same collection takes everything: it is one that works.</summary>
    [Fact]
    public async Task The_collection_of_a_registry_that_is_not_ours_keeps_a_cache_whole()
    {
        using DebianRegistry theirs = await DebianRegistry.StartAsync();
        var cache = new RegistryCache(ImageReference.Parse($"{theirs.Host}/team/app:cache"));
        Machine machine = _scene.NewMachine();
        Func<BuildRequest, BuildRequest> export = r => r with { CacheTo = [new CacheDestination(cache) { AllSteps = true, IgnoreError = false, Mounts = ["*"] }] };
        const string Mounting = "\nRUN --mount=type=cache,target=/c echo kept >/c/file\n";
        await machine.BuildAsync(CacheScene.TwoStages + Mounting, export);
        string[] old = theirs.Blobs;
        _scene.Write("source", "other source\n");
        await machine.BuildAsync(CacheScene.TwoStages + Mounting, export);
        string[] both = theirs.Blobs;
        Assert.True(both.Length > old.Length);
        ProgramResult collected = await theirs.CollectAsync();
        Assert.True(collected.ExitCode == 0, collected.Errors);
        // What only the first export had is gone, so the collection did something.
        Assert.True(theirs.Blobs.Length < both.Length, collected.Output);

        Machine other = _scene.NewMachine();
        Built built = await other.BuildAsync(CacheScene.TwoStages + Mounting + "RUN --mount=type=cache,target=/c cat /result /final /c/file >/seen\n", cache);
        Assert.Single(built.Ran);
        Assert.Empty(built.Events.Warnings);
        Assert.Equal("OTHER SOURCE\nOTHER SOURCE\nkept\n", await ImageText.ReadAsync(other, "seen"));
    }

    [Fact]
    public async Task A_cache_that_was_written_longer_ago_than_it_may_be_is_not_used()
    {
        await ExportAsync(allSteps: true);
        CacheSource source = new(_scene.InRegistry("app:cache"));
        Built young = await _scene.NewMachine().BuildAsync(CacheScene.TwoStages, r => r with { CacheFrom = [source with { MaxAge = TimeSpan.FromHours(1) }] });
        young.AssertNothingRan();
        Built old = await _scene.NewMachine().BuildAsync(CacheScene.TwoStages, r => r with { CacheFrom = [source with { MaxAge = TimeSpan.FromMilliseconds(10) }] });
        Assert.Equal(5, old.Ran.Length);
        Assert.Empty(old.Events.Warnings);
    }

    [Fact]
    public async Task What_a_platform_has_in_the_cache_is_for_that_platform()
    {
        Platform arm = new("linux", "arm64");
        const string dockerfile = "FROM scratch\nARG TARGETARCH\nCOPY source /from-$TARGETARCH\n";
        Func<BuildRequest, BuildRequest> both = r => r with { Platforms = [Platform.Host, arm], CacheTo = [new CacheDestination(_scene.InRegistry("multi:cache"))] };
        Built first = await _scene.NewMachine().BuildAsync(dockerfile, both);
        var from = new CacheSource(_scene.InRegistry("multi:cache"));
        Built second = await _scene.NewMachine().BuildAsync(dockerfile, r => r with { Platforms = [arm, Platform.Host], CacheFrom = [from] });
        second.AssertNothingRan();
        Assert.Equal(2, first.Ran.Length);
    }

    private Task<Built> ExportAsync(bool allSteps) => _scene.NewMachine().BuildAsync(
        CacheScene.TwoStages, r => r with { CacheTo = [new CacheDestination(_scene.InRegistry("app:cache")) { AllSteps = allSteps, IgnoreError = false }] });

    // The document of the cache and configurations are fetched too: layers are what was asked for twice or less and is no manifest's configuration.
    private int Layers(string[] requests)
    {
        HashSet<string> found = [.. requests.Select(r => r[(r.LastIndexOf('/') + 1)..])];
        return found.Count(digest => new FileInfo(Path.Combine(_scene.Registry.Directory, "blobs", "sha256", digest[7..])) is var file
            && !IsJson(file.FullName));
    }

    private static bool IsJson(string path)
    {
        using FileStream file = File.OpenRead(path);
        return file.ReadByte() == '{';
    }
}
