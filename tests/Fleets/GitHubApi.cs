using System.Text.Json.Nodes;
using Kimg.TestKit;

namespace Kimg.Fleets;

/// <summary>A stand-in for the part of GitHub's REST API that keeps comments (docs.github.com/rest/issues/comments): pages, tokens, permissions.</summary>
internal sealed class GitHubApi : IDisposable
{
    private const string Comments = "/repos/o/app/issues/7/comments", One = "/repos/o/app/issues/comments/";

    private readonly ScriptedServer _server;
    private readonly List<JsonObject> _comments = [];

    /// <param name="others">So many comments are there already.</param>
    public GitHubApi(int others = 0)
    {
        for (int i = 0; i < others; i++) Add($"comment {i}");
        _server = new ScriptedServer(Answer);
    }

    public string Url => $"http://{_server.Host}";

    /// <summary>As for pull requests from forks, or without `pull-requests: write`.</summary>
    public bool ReadOnly { get; init; }

    public string[] Written => [.. _server.Requests.Where(r => r.Method is "POST" or "PATCH").Select(r => r.Method)];

    /// <summary>Bodies of the comments that are kimg's.</summary>
    public string[] Bodies => [.. _comments.Select(c => c["body"]!.GetValue<string>()).Where(b => b.Contains("<!-- kimg", StringComparison.Ordinal))];

    public void Dispose() => _server.Dispose();

    private ScriptedAnswer Answer(ScriptedRequest request)
    {
        if (request.Authorization != "Bearer job-token") return new ScriptedAnswer(401, """{"message":"Bad credentials"}""");
        if (!request.Headers.ContainsKey("User-Agent")) return new ScriptedAnswer(403, """{"message":"Request forbidden by administrative rules"}""");
        string[] parts = request.Path.Split('?');
        if (request.Method == "GET" && parts[0] == Comments)
        {
            int page = int.Parse(parts[1].Split("page=")[^1], System.Globalization.CultureInfo.InvariantCulture);
            return new ScriptedAnswer(200, new JsonArray([.. _comments.Skip((page - 1) * 100).Take(100).Select(c => c.DeepClone())]).ToJsonString());
        }

        if (ReadOnly) return new ScriptedAnswer(403, """{"message":"Resource not accessible by integration"}""");
        string body = JsonNode.Parse(request.Body)!["body"]!.GetValue<string>();
        if (request.Method == "POST" && request.Path == Comments) return new ScriptedAnswer(201, Add(body).ToJsonString());
        if (request.Method != "PATCH" || !request.Path.StartsWith(One, StringComparison.Ordinal)) return new ScriptedAnswer(404, """{"message":"Not Found"}""");
        JsonObject found = _comments.Single(c => c["id"]!.GetValue<int>().ToString(System.Globalization.CultureInfo.InvariantCulture) == request.Path[One.Length..]);
        found["body"] = body;
        return new ScriptedAnswer(200, found.ToJsonString());
    }

    private JsonObject Add(string body)
    {
        JsonObject comment = new() { ["id"] = _comments.Count + 1000, ["body"] = body };
        _comments.Add(comment);
        return comment;
    }
}
