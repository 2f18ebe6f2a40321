using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.RegistryServer;

/// <summary>Tags, referrers, and the catalogue (which is Docker's, not of the specification).</summary>
internal sealed class ListEndpoints(RepositoryStore repositories, ContentStore content)
{
    public ServerResponse Tags(ServerRequest request, string name)
    {
        if (!repositories.Exists(name)) throw RequestFault.NotFound("NAME_UNKNOWN", $"no repository '{name}'");
        return Page(request, $"/v2/{name}/tags/list", repositories.Tags(name), RepositoryStore.TagOrder, (json, tags) =>
        {
            json.WriteString("name", name);
            WriteAll(json, "tags", tags);
        });
    }

    public ServerResponse Catalogue(ServerRequest request) => Page(request, "/v2/_catalog", [.. repositories.Names()],
        Comparer<string>.Create(string.CompareOrdinal), (json, names) => WriteAll(json, "repositories", names));

    public async Task<ServerResponse> ReferrersAsync(ServerRequest request, string name, Digest subject, CancellationToken cancellationToken)
    {
        string? filter = request.Query.GetValueOrDefault("artifactType");
        var found = ImmutableArray.CreateBuilder<Descriptor>();
        foreach (Digest digest in repositories.Referrers(name, subject).Order())
        {
            if (content.Find(digest) is not { } size || repositories.ManifestType(name, digest) is not { } mediaType) continue;
            var descriptor = new Descriptor { MediaType = mediaType, Digest = digest, Size = size };
            ManifestFacts facts = ManifestFacts.Read((await content.ReadAsync(descriptor, cancellationToken)).Span, mediaType);
            if (filter is null || facts.ArtifactType == filter)
                found.Add(descriptor with { ArtifactType = facts.ArtifactType, Annotations = facts.Annotations });
        }

        var index = new ImageIndex { SchemaVersion = 2, MediaType = MediaTypes.OciIndex, Manifests = found.ToImmutable() };
        return ServerResponse.Bytes(200, MediaTypes.OciIndex, JsonSerializer.SerializeToUtf8Bytes(index, OciJson.Default.ImageIndex))
            .With("OCI-Filters-Applied", filter is null ? null : "artifactType");
    }

    /// <summary>Those after <c>last</c>, at most <c>n</c>, with a link to the next page when there is one.</summary>
    private static ServerResponse Page(
        ServerRequest request, string path, ImmutableArray<string> all, IComparer<string> order, Action<Utf8JsonWriter, IEnumerable<string>> write)
    {
        string? last = request.Query.GetValueOrDefault("last");
        int count = int.MaxValue;
        if (request.Query.TryGetValue("n", out string? n) && !int.TryParse(n, NumberStyles.None, CultureInfo.InvariantCulture, out count))
            throw RequestFault.Invalid("PAGINATION_NUMBER_INVALID", $"'{n}' is not a number");
        string[] after = [.. all.Where(item => last is null || order.Compare(item, last) > 0)];
        string[] page = [.. after.Take(count)];
        string? next = page.Length > 0 && page.Length < after.Length
            ? string.Create(CultureInfo.InvariantCulture, $"<{path}?n={count}&last={Uri.EscapeDataString(page[^1])}>; rel=\"next\"")
            : null;
        return ServerResponse.Json(200, json =>
        {
            json.WriteStartObject();
            write(json, page);
            json.WriteEndObject();
        }).With("Link", next);
    }

    private static void WriteAll(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (string value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }
}
