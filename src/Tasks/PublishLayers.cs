using System.Collections.Immutable;
using System.Text.Json;

namespace Kimg.Tasks;

/// <summary>Files that change about as often as each other; paths are relative, with forward slashes, sorted.</summary>
internal sealed record PublishLayer(string Name, ImmutableArray<string> Files);

/// <summary>The files of a publish directory by how often they change, rarest first.</summary>
internal sealed record PublishLayers(ImmutableArray<PublishLayer> Layers)
{
    public const string Runtime = "runtime", Packages = "packages", Projects = "projects", Application = "application";

    private static readonly string[] s_order = [Runtime, Packages, Projects, Application];

    /// <summary>Reads the directory, and the .deps.json in it for where each file comes from. Without one (single file, native AOT) all is application.</summary>
    /// <param name="leaveOut">Files that are not wanted, relative.</param>
    public static PublishLayers Read(string directory, string assemblyName, IEnumerable<string> leaveOut)
    {
        Dictionary<string, string> origins = Origins(Path.Combine(directory, assemblyName + ".deps.json"), assemblyName);
        var unwanted = leaveOut.ToHashSet(StringComparer.Ordinal);
        var groups = s_order.ToDictionary(name => name, _ => new List<string>());
        foreach (string file in Files(directory))
        {
            if (!unwanted.Contains(file)) groups[origins.GetValueOrDefault(file, Application)].Add(file);
        }

        return new PublishLayers(
            [.. s_order.Where(name => groups[name].Count > 0).Select(name => new PublishLayer(name, [.. groups[name].Order(StringComparer.Ordinal)]))]);
    }

    public static IEnumerable<string> Files(string directory)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None };
        return Directory.EnumerateFiles(directory, "*", options)
            .Select(path => Path.GetRelativePath(directory, path).Replace(Path.DirectorySeparatorChar, '/'));
    }

    private static Dictionary<string, string> Origins(string depsFile, string assemblyName)
    {
        var origins = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!File.Exists(depsFile)) return origins;
        using var json = JsonDocument.Parse(File.ReadAllBytes(depsFile));
        JsonElement root = json.RootElement;
        var kinds = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (JsonProperty library in root.GetProperty("libraries").EnumerateObject()) kinds[library.Name] = KindOf(library, assemblyName);
        foreach (JsonProperty target in root.GetProperty("targets").EnumerateObject())
        {
            foreach (JsonProperty library in target.Value.EnumerateObject())
            {
                if (kinds.GetValueOrDefault(library.Name, Application) is not Application and var kind) Add(origins, library.Value, kind);
            }
        }

        return origins;
    }

    private static string KindOf(JsonProperty library, string assemblyName) => library.Value.GetProperty("type").GetString() switch
    {
        "package" => Packages,
        "runtimepack" => Runtime,
        "project" when library.Name.Split('/')[0] != assemblyName => Projects,
        "reference" or "referenceassembly" => Projects,
        _ => Application,
    };

    // Assets for one runtime lie flat, translations in a folder of their language, assets for several runtimes as in their package.
    private static void Add(Dictionary<string, string> origins, JsonElement library, string kind)
    {
        foreach (JsonProperty assets in library.EnumerateObject().Where(p => p.Value.ValueKind == JsonValueKind.Object))
        {
            if (assets.Name is not ("runtime" or "native" or "resources" or "runtimeTargets")) continue;
            foreach (JsonProperty asset in assets.Value.EnumerateObject())
            {
                string file = asset.Name.Split('/')[^1];
                if (assets.Name == "resources" && asset.Value.TryGetProperty("locale", out JsonElement locale)) file = $"{locale.GetString()}/{file}";
                if (assets.Name == "runtimeTargets") file = asset.Name;
                if (asset.Value.TryGetProperty("localPath", out JsonElement local) && local.GetString() is { } path) file = path;
                origins.TryAdd(file, kind);
            }
        }
    }
}
