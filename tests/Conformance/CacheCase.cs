using System.Text;
using System.Text.Json.Nodes;
using Kimg.TestKit;

namespace Kimg.Conformance;

/// <summary>A project whose cache travels, edits to it, and which steps BuildKit runs after each: a directory below <c>tests/vectors/caches</c>.</summary>
internal sealed record CacheCase(string Name, JsonObject Json)
{
    private const string Folder = "tests/vectors/caches";

    public static IReadOnlyList<CacheCase> All { get; } =
        [.. Directory.GetDirectories(RepositoryFiles.Path(Folder)).Select(Path.GetFileName).Order().Select(name => Read(name!))];

    public string ExpectedFile => RepositoryFiles.Path($"{Folder}/{Name}/expected.json");

    /// <summary>The image of bases.json that FROM's name stands for before any edit.</summary>
    public string Base => Json["base"]!.GetValue<string>();

    public JsonArray Context => Json["context"]!.AsArray();

    public string Dockerfile => string.Concat(Json["dockerfile"]!.AsArray().Select(line => line!.GetValue<string>() + "\n"));

    public IReadOnlyList<CacheEdit> Edits => [.. Json["edits"]!.AsObject().Select((edit, index) => new CacheEdit(this, edit.Key, index, edit.Value!.AsObject()))];

    /// <summary>How it is built: as always, but for what an edit changes.</summary>
    public IEnumerable<string> Options(JsonObject edit)
    {
        JsonObject both = edit.DeepClone().AsObject();
        foreach ((string key, JsonNode? value) in Json) both.TryAdd(key, value?.DeepClone());
        return new BuildCase(Name, both).Options();
    }

    /// <summary>What BuildKit was asked and said: its version, and for each edit the steps of the build and those it ran.</summary>
    public JsonObject Expected => JsonNode.Parse(File.ReadAllText(ExpectedFile))!.AsObject();

    private static CacheCase Read(string name) => new(name, JsonNode.Parse(File.ReadAllText(RepositoryFiles.Path($"{Folder}/{name}/case.json")))!.AsObject());
}

/// <summary>One edit: <c>replace</c> in the Dockerfile, <c>files</c> written over the context's and <c>remove</c>d from it, another image behind the base's
/// <c>tag</c>, or options of a <see cref="BuildCase"/>. <c>from</c> says which of the caches is imported: max (default), min, inline, both (platforms, mode=max).</summary>
internal sealed record CacheEdit(CacheCase Case, string Name, int Index, JsonObject Json)
{
    public string From => Json["from"]?.GetValue<string>() ?? "max";

    /// <summary>The image behind the base's name.</summary>
    public string Base => Json["tag"]?.GetValue<string>() ?? Case.Base;

    /// <summary>FROM names the digest.</summary>
    public bool ByDigest => Json["digest"]?.GetValue<bool>() == true;

    public JsonArray Files => Json["files"] as JsonArray ?? [];

    public IEnumerable<string> Removed => (Json["remove"] as JsonArray ?? []).Select(path => path!.GetValue<string>());

    /// <summary>The project's own options, unless the edit has others of that kind.</summary>
    public IEnumerable<string> Options => Case.Options(Json);

    public string Dockerfile => (Json["replace"] as JsonArray ?? []).Aggregate(new StringBuilder(Case.Dockerfile), (text, pair) =>
        text.ToString().Contains(pair![0]!.GetValue<string>(), StringComparison.Ordinal)
            ? text.Replace(pair[0]!.GetValue<string>(), pair[1]!.GetValue<string>())
            : throw new InvalidDataException($"edit '{Name}' replaces what is not there")).ToString();
}
