using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Kimg.TestKit;

namespace Kimg.Conformance;

/// <summary>Serves the files (<c>http</c>) and repositories (<c>git</c>) of all cases, each below the case's own path.</summary>
internal sealed class CaseServer : IDisposable
{
    private static readonly Dictionary<string, string> s_gitEnvironment = new()
    {
        ["GIT_CONFIG_GLOBAL"] = "/dev/null", ["GIT_CONFIG_NOSYSTEM"] = "1", ["GIT_AUTHOR_NAME"] = "a", ["GIT_AUTHOR_EMAIL"] = "a@example.com",
        ["GIT_COMMITTER_NAME"] = "a", ["GIT_COMMITTER_EMAIL"] = "a@example.com", ["GIT_AUTHOR_DATE"] = "1600000000 +0000", ["GIT_COMMITTER_DATE"] = "1600000000 +0000",
    };

    private readonly ConcurrentDictionary<string, JsonObject> _files = new();
    private readonly ConcurrentDictionary<string, string> _repositories = new();
    private readonly ScriptedServer _server;
    private readonly string _work;

    /// <param name="work">Where what is served is made.</param>
    public CaseServer(string work)
    {
        _work = work;
        _server = new ScriptedServer(Answer);
    }

    public Places PlacesOf(BuildCase build, string registry) =>
        new(registry, $"http://{_server.Host}/{Key(build)}/http", $"http://{_server.Host}/{Key(build)}/git");

    /// <summary>Makes what the case needs.</summary>
    public async Task AddAsync(BuildCase build)
    {
        string key = Key(build), root = Path.Combine(_work, key);
        foreach ((string path, JsonNode? file) in build.Http)
        {
            JsonObject served = file!.AsObject();
            if (served["entries"] is not null)
            {
                Directory.CreateDirectory(root);
                string archive = Path.Combine(root, "archive-" + Guid.NewGuid().ToString("N"));
                await ContextWriter.WriteArchiveAsync(archive, served);
                served["base64"] = Convert.ToBase64String(await File.ReadAllBytesAsync(archive));
            }

            _files[$"/{key}/http{path}"] = served;
        }

        foreach ((string name, JsonNode? commits) in build.Git) await MakeRepositoryAsync(Path.Combine(root, name + ".git"), commits!.AsArray());
        if (build.Git.Count > 0) _repositories[key] = root;
    }

    public void Dispose() => _server.Dispose();

    private static string Key(BuildCase build) => build.Name.Replace('/', '-');

    private static async Task MakeRepositoryAsync(string repository, JsonArray commits)
    {
        async Task GitAsync(params string[] arguments) => (await HostProgram.RunAsync("git", ["-C", repository, .. arguments], s_gitEnvironment)).OutputOrThrow();

        Directory.CreateDirectory(repository);
        await GitAsync("init", "-q", "-b", "main");
        foreach (JsonNode? commit in commits)
        {
            if (commit!["branch"] is { } branch) await GitAsync("checkout", "-q", "-B", branch.GetValue<string>());
            await ContextWriter.WriteAsync(repository, commit["files"]!.AsArray());
            foreach ((string path, JsonNode? other) in commit["submodules"] as JsonObject ?? [])
                await GitAsync("-c", "protocol.file.allow=always", "submodule", "add", "-q", "../" + other!.GetValue<string>() + ".git", path);
            await GitAsync("add", "-A");
            await GitAsync("commit", "-qm", "commit");
            if (commit["tag"] is { } tag) await GitAsync("tag", "-a", "-m", "tag", tag.GetValue<string>());
        }

        await GitAsync("checkout", "-q", "main");
    }

    private ScriptedAnswer Answer(ScriptedRequest request)
    {
        if (request.Path.Split('/', 4) is ["", var key, "git", var rest] && _repositories.TryGetValue(key, out string? root))
            return GitHttpBackend.Answer(request, root, "/" + rest);
        if (!_files.TryGetValue(request.Path.Split('?')[0], out JsonObject? file)) return new ScriptedAnswer(404);
        if (file["token"]?.GetValue<string>() is { } token && request.Authorization != "Bearer " + token) return new ScriptedAnswer(401);
        List<(string, string)> headers = [];
        if (file["lastModified"] is { } time)
            headers.Add(("Last-Modified", DateTimeOffset.FromUnixTimeSeconds(time.GetValue<long>()).ToString("R", CultureInfo.InvariantCulture)));
        if (file["disposition"]?.GetValue<string>() is { } disposition) headers.Add(("Content-Disposition", disposition));
        if (file["redirect"]?.GetValue<string>() is { } elsewhere) return new ScriptedAnswer(302, "", ("Location", $"/{request.Path.Split('/')[1]}/http{elsewhere}"));
        byte[] content = file["base64"]?.GetValue<string>() is { } base64
            ? Convert.FromBase64String(base64) : Encoding.UTF8.GetBytes(file["content"]?.GetValue<string>() ?? "");
        return new ScriptedAnswer(file["status"]?.GetValue<int>() ?? 200, content, [.. headers]);
    }
}
