using System.Text;
using System.Text.Json;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Registry;

public sealed class ReferrersTests
{
    [Fact]
    public async Task Reads_the_referrers_api_and_filters_where_the_registry_does_not()
    {
        Descriptor sbom = Artifact("sbom"), signature = Artifact("signature");
        using var registry = new ScriptedServer(_ => new ScriptedAnswer(
            200, Index(sbom, signature), ("Content-Type", MediaTypes.OciIndex)));
        using var client = new RegistryClient(Scripts.Options);

        var found = await client.ListReferrersAsync(registry.Name(), Scripts.ManifestDigest, "application/sbom", default);

        Assert.Equal([sbom.Digest], found.Select(f => f.Digest));
        Assert.Equal([$"GET /v2/app/referrers/{Scripts.ManifestDigest}?artifactType=application%2Fsbom"], registry.Lines);
    }

    [Fact]
    public async Task Keeps_the_list_under_a_tag_where_the_registry_has_no_api()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using var client = new RegistryClient(Scripts.Options);
        var blobs = new MemoryBlobs();
        TestImage image = TestImage.Create(blobs, new Platform("linux", "amd64"), "text");
        ImageReference name = ImageReference.Parse($"{registry.Host}/app:1");
        await PushAsync(image.Manifest, name);
        Assert.Empty(await client.ListReferrersAsync(name, image.Manifest.Digest, null, default));

        Descriptor empty = blobs.Add(MediaTypes.OciEmpty, "{}"u8.ToArray());
        Descriptor first = AddReferrer("application/sbom"), second = AddReferrer("application/signature");
        foreach (Descriptor referrer in new[] { first, second, first }) await PushAsync(referrer, name with { Tag = null, Digest = referrer.Digest });

        var found = await client.ListReferrersAsync(name, image.Manifest.Digest, null, default);
        Assert.Equal([first.Digest, second.Digest], found.Select(f => f.Digest));
        Assert.Equal(["application/sbom", "application/signature"], found.Select(f => f.ArtifactType));
        Assert.Equal("there", found[0].Annotations!["hello"]);

        Descriptor AddReferrer(string type) => TestImage.Add(blobs, new Manifest
        {
            SchemaVersion = 2,
            MediaType = MediaTypes.OciManifest,
            ArtifactType = type,
            Config = empty,
            Layers = [empty],
            Subject = image.Manifest,
            Annotations = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add("hello", "there"),
        });

        Task PushAsync(Descriptor root, ImageReference to) => new Pusher(client).PushAsync(new PushRequest { Names = [to], Root = root, Source = blobs }, default);
    }

    [Fact]
    public async Task Writes_no_tag_where_the_registry_lists_referrers_itself()
    {
        using var registry = new ScriptedServer(_ => new ScriptedAnswer(201, "", ("OCI-Subject", Scripts.ManifestDigest.ToString())));
        using var client = new RegistryClient(Scripts.Options);
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(
            new Manifest { SchemaVersion = 2, MediaType = MediaTypes.OciManifest, Config = Artifact("c"), Layers = [], Subject = Artifact("s") },
            OciJson.Default.Manifest);

        await client.PutManifestAsync(registry.Name(), ManifestDocument.Parse(bytes, Digest.Sha256(bytes), null, "x"), default);

        Assert.Equal(["PUT /v2/app/manifests/1"], registry.Lines);
    }

    private static Descriptor Artifact(string kind) => new()
    {
        MediaType = MediaTypes.OciManifest, Digest = Digest.Sha256(kind), Size = 1, ArtifactType = "application/" + kind,
    };

    private static string Index(params Descriptor[] manifests) => Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(
        new ImageIndex { SchemaVersion = 2, MediaType = MediaTypes.OciIndex, Manifests = [.. manifests] }, OciJson.Default.ImageIndex));
}
