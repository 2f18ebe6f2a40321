using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Kimg.TestKit;

namespace Kimg.Conformance;

/// <summary>Builds a project on a machine that has nothing, and says which steps ran.</summary>
/// <param name="command">The words before <c>build</c>'s options.</param>
/// <param name="work">A directory that the program sees under the same name.</param>
/// <param name="forget">Makes the machine one that has nothing; the answer are options to add.</param>
/// <param name="repository">Of the registry, for what this builder pushes.</param>
/// <param name="compares">Whether an edit, built so, is built once more without a cache; null: by a peer, never.</param>
internal sealed partial class CacheBuilder(
    IReadOnlyList<string> command, string work, Func<Task<IReadOnlyList<string>>> forget, string registry, string repository, bool isBuildctl,
    Func<CacheEdit, JsonObject, bool>? compares = null)
{
    /// <summary>Builds a project without any edit and writes the caches that its edits import.</summary>
    public async Task ExportAsync(CacheCase project)
    {
        string place = await BaseAsync(project, project.Base);
        foreach (string kind in project.Edits.Select(edit => edit.From == "both" ? "both" : "max").Distinct())
        {
            string[] options = kind == "both"
                ? ["--platform=linux/amd64,linux/arm64", $"--cache-to=type=registry,ref={Place(project, kind)},mode=max", "-o", "type=cacheonly"]
                :
                [
                    $"--cache-to=type=registry,ref={Place(project, "max")},mode=max", $"--cache-to=type=registry,ref={Place(project, "min")},mode=min", "--cache-to=type=inline",
                    "-o", $"type=image,name={Place(project, "inline")},push=true", "--provenance=false",
                ];
            JsonObject built = await RunAsync(
                Path.Combine(work, $"{project.Name}-{kind}"), project, project.Dockerfile, place, [.. project.Options([]), .. options], _ => Task.CompletedTask,
                (built, _) => Task.FromResult(built));
            // Of two platforms whose bases have the same layers the second may take steps from the first.
            if (kind != "both" && built["ran"]!.AsArray().Count != built["steps"]!.GetValue<int>()) throw new InvalidOperationException($"the machine knew steps of '{project.Name}': {built}");
        }
    }

    /// <summary>Puts an image behind the name of a project's base.</summary>
    public async Task<string> BaseAsync(CacheCase project, string image)
    {
        string place = $"{registry}/{repository}/{project.Name}-base:1";
        await HostProgram.MustAsync("skopeo", "copy", "-q", "--multi-arch=all", "--src-tls-verify=false", "--dest-tls-verify=false",
            "--digestfile", DigestFile(project), $"docker://{registry}/base/{image}:latest", $"docker://{place}");
        return place;
    }

    /// <summary>Builds it with the cache, on the base that was put there last.</summary>
    /// <returns><c>steps</c>: how many of the Dockerfile's steps the build has; <c>ran</c>: those that were not taken from the cache; <c>files</c> and <c>differences</c>,
    /// where it was compared: how many files there are, and those that are not as they are without a cache.</returns>
    public async Task<JsonObject> BuildAsync(CacheEdit edit)
    {
        string home = Path.Combine(work, $"{edit.Case.Name}-{edit.Index}"), name = $"{registry}/{repository}/{edit.Case.Name}-base";
        string place = edit.ByDigest ? $"{name}@{(await File.ReadAllTextAsync(DigestFile(edit.Case))).Trim()}" : name + ":1";
        string[] options = [.. edit.Options, $"--cache-from=type=registry,ref={Place(edit.Case, edit.From)}"];
        return await RunAsync(home, edit.Case, edit.Dockerfile, place, [.. options, "-o", "type=cacheonly"],
            async context =>
            {
                foreach (string path in edit.Removed) File.Delete(Path.Combine(context, path));
                await ContextWriter.WriteAsync(context, edit.Files);
            },
            async (built, arguments) =>
            {
                if (compares?.Invoke(edit, built) != true) return built;
                Dictionary<string, string> cached = await FilesAsync("cached.tar", []), anew = await FilesAsync("anew.tar", ["--no-cache"]);
                built["files"] = cached.Count;
                built["differences"] = new JsonArray([.. cached.Except(anew).Concat(anew.Except(cached)).Select(file => (JsonNode)file.Value)]);
                return built;

                async Task<Dictionary<string, string>> FilesAsync(string name, string[] more)
                {
                    string tar = Path.Combine(home, name);
                    string[] all = [.. arguments.Select(argument => argument == "type=cacheonly" ? $"type=tar,dest={tar}" : argument)];
                    (await ProgramAsync([.. more, .. all])).OutputOrThrow();
                    Dictionary<string, string> files = [];
                    foreach (JsonNode? file in BuiltImage.Layer(tar))
                    {
                        // A file that only has another time is the same file to a cache.
                        file!.AsObject().Remove("mtime");
                        files[file["path"]!.GetValue<string>()] = file.ToJsonString();
                    }

                    return files;
                }
            });
    }

    private bool IsPeer => compares is null;

    private string Place(CacheCase project, string kind) => $"{registry}/{repository}/{project.Name}:{kind}";

    private string DigestFile(CacheCase project) => Path.Combine(work, project.Name + "-digest");

    private async Task<JsonObject> RunAsync(string home, CacheCase project, string dockerfile, string place, IEnumerable<string> options, Func<string, Task> edit,
        Func<JsonObject, string[], Task<JsonObject>> then)
    {
        // BuildKit takes a file of the same size and time for the same file, unless it is of another directory.
        string context = Path.Combine(home, "context-" + Path.GetFileName(home)), original = Path.Combine(work, project.Name);
        if (!Directory.Exists(original)) await ContextWriter.WriteAsync(original, project.Context);
        Directory.CreateDirectory(home);
        await HostProgram.MustAsync("cp", "-a", original, context);
        await edit(context);
        await File.WriteAllTextAsync(Path.Combine(home, "Dockerfile"), dockerfile.Replace("${BASE}", place, StringComparison.Ordinal));
        string[] all = [.. await forget(), .. options, "--progress=rawjson", "-f", Path.Combine(home, "Dockerfile"), context];
        ProgramResult result = await ProgramAsync(all);
        result.OutputOrThrow();
        JsonObject built = await then(Steps(result.Errors), all);
        await HostProgram.MustAsync("rm", "-rf", home);
        return built;
    }

    private Task<ProgramResult> ProgramAsync(string[] arguments) => HostProgram.RunAsync(
        command[0], [.. command.Skip(1), .. isBuildctl ? BuildctlArguments.Of(arguments) : arguments], limit: TimeSpan.FromMinutes(2));

    private JsonObject Steps(string progress)
    {
        Dictionary<string, (string Name, bool Ran, bool Cached)> steps = [];
        foreach (JsonNode? line in progress.Split('\n').Where(line => line.StartsWith('{')).Select(line => JsonNode.Parse(line)))
        {
            foreach (JsonNode? vertex in line!["vertexes"] as JsonArray ?? [])
            {
                string name = vertex!["name"]!.GetValue<string>();
                if (!Step().IsMatch(name)) continue;
                string digest = vertex["digest"]!.GetValue<string>();
                (_, bool ran, bool cached) = steps.GetValueOrDefault(digest);
                bool isCached = vertex["cached"]?.GetValue<bool>() == true;
                steps[digest] = (name, ran || (vertex["completed"] is not null && !isCached), cached || isCached);
            }
        }

        return new JsonObject
        {
            ["steps"] = steps.Count,
            ["ran"] = new JsonArray(
            [
                // BuildKit tells a cached step's layers being fetched as if it were run after all.
                .. steps.Values.Where(step => step.Ran && !(step.Cached && IsPeer)).Select(step => step.Name).Order(StringComparer.Ordinal).Select(n => (JsonNode)n),
            ]),
        };
    }

    [GeneratedRegex(@"^\[[^\]]*\d+/\d+\] (RUN|COPY|ADD|WORKDIR) ", RegexOptions.IgnoreCase)]
    private static partial Regex Step();
}
