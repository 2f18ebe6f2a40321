using System.Text.Json;
using System.Text.Json.Nodes;
using Kimg.TestKit;

namespace Kimg.Fleets;

/// <summary>A container of deploy/kubernetes, with servers of this machine in the place of those that the manifest names.</summary>
internal static class ManifestPod
{
    public static string[] Manifests => Directory.GetFiles(RepositoryFiles.Path("deploy/kubernetes"), "*.yaml");

    /// <param name="given">What the controller puts in place of variables.</param>
    /// <param name="mounts">Volumes that the controller adds; with one for the context where the manifest has none.</param>
    /// <param name="containers">initContainers: the first of these.</param>
    public static async Task<PodBundle> MakeAsync(
        string name, DebianRegistry registry, string dockerfile, string? kind = null, Dictionary<string, string>? given = null, Dictionary<string, string>? mounts = null,
        Dictionary<string, string>? sizes = null, long? memory = null, Action<JsonNode>? change = null, string containers = "containers")
    {
        using JsonDocument all = JsonDocument.Parse((await NodeTools.CheckAsync("kubernetes.mjs", Manifests)).Output);
        JsonNode pod = JsonNode.Parse(all.RootElement.EnumerateArray()
            .First(p => p.GetProperty("name").GetString() == name && (kind is null || p.GetProperty("kind").GetString() == kind)).GetProperty("pod").GetRawText())!;
        JsonNode container = pod[containers]![0]!;
        change?.Invoke(container);
        foreach ((string volume, string target) in mounts ?? []) container["volumeMounts"]!.AsArray().Add(new JsonObject { ["name"] = volume, ["mountPath"] = target });
        string Text(JsonNode? node) => (given ?? []).Aggregate(node!.GetValue<string>(), (text, pair) => text.Replace(pair.Key, pair.Value, StringComparison.Ordinal));
        foreach (JsonNode? variable in container["env"]!.AsArray()) variable!["value"] = Text(variable["value"]);
        // Contexts in repositories come from a server of this machine; others are the volume that the manifest has for them.
        string[] declaredArguments = [.. container["args"]!.AsArray().Select(Text)];
        GitServer? git = declaredArguments.Any(a => a.Contains("git.example", StringComparison.Ordinal)) ? new GitServer() : null;
        string? source = git is null ? (string)container["volumeMounts"]!.AsArray().First(m => (string)m!["name"]! is "context" or "source")!["name"]! : null;
        string[] arguments =
        [
            .. container["command"]?.AsArray().Select(c => (string)c!) ?? ["/kimg"],
            .. declaredArguments.Select(a => a.Replace("registry.example", registry.Host, StringComparison.Ordinal)
                .Replace("git://git.example", $"git://{git?.Host}", StringComparison.Ordinal).Replace("https://git.example", $"http://{git?.Host}", StringComparison.Ordinal)),
        ];
        Dictionary<string, string> files = new() { ["git/token"] = GitServer.Token + "\n" };
        if (source is not null) (files[source + "/Dockerfile"], files[source + "/hello.txt"]) = (dockerfile, "hello\n");
        using JsonDocument declared = JsonDocument.Parse(pod.ToJsonString());
        string image = ((string)container["image"]!).EndsWith("-debug", StringComparison.Ordinal) ? "debug-image-amd64" : "kimg-image-amd64";
        // What people type into a pod that stays meets the image's own variables.
        ImageConfig? config = kind == "Pod" ? await ImageConfig.OfAsync(image) : null;
        PodBundle bundle = new(declared.RootElement, arguments, files, sizes, memory, config, containers) { Git = git };
        if (source is not null) File.Copy("/bin/busybox", Path.Combine(bundle.Volumes[source], "busybox"));
        else await git!.CommitAsync(dockerfile, token: arguments.Any(a => a.StartsWith("--secret=", StringComparison.Ordinal)));
        await bundle.UnpackAsync(image, idMappers: name == "kimg-userns" && containers == "containers");
        return bundle;
    }
}
