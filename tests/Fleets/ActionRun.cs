using System.Text.Json;
using Kimg.TestKit;

namespace Kimg.Fleets;

/// <summary>Runs the action as GitHub's runner does: node on its entry, inputs and files by variables, defaults of action.yml evaluated by GitHub's own evaluator.</summary>
internal sealed class ActionRun : IDisposable
{
    private readonly TempDirectory _directory = new();

    public Dictionary<string, string> Environment { get; } = [];

    public Dictionary<string, string> Inputs { get; } = [];

    public string Workspace => Directory.CreateDirectory(_directory["work"]).FullName;

    public string this[string name] => _directory[name];

    /// <summary>Where action.yml is: the checkout that the runner makes of the action.</summary>
    public string Action { get; set; } = RepositoryFiles.Root;

    /// <summary>Runs as another user when it is given: arguments before the program.</summary>
    public string[] As { get; set; } = [];

    public void Dispose() => _directory.Dispose();

    public async Task<ActionResult> RunAsync(string repository)
    {
        ProgramResult declared = await NodeTools.CheckAsync("action-facts.mjs", Path.Combine(Action, "action.yml"));
        using JsonDocument facts = JsonDocument.Parse(declared.OutputOrThrow());
        foreach (string file in new[] { "output", "summary" }) await File.WriteAllTextAsync(_directory[file], "");
        Dictionary<string, string> environment = new()
        {
            ["GITHUB_ACTIONS"] = "true", ["GITHUB_REPOSITORY"] = repository, ["GITHUB_SHA"] = "0123456789abcdef0123456789abcdef01234567", ["GITHUB_REF"] = "refs/heads/main",
            ["GITHUB_EVENT_NAME"] = "push", ["GITHUB_WORKSPACE"] = Workspace, ["GITHUB_OUTPUT"] = _directory["output"], ["GITHUB_STEP_SUMMARY"] = _directory["summary"],
            ["RUNNER_TOOL_CACHE"] = _directory["tools"], ["HOME"] = Directory.CreateDirectory(_directory["home"]).FullName, ["XDG_DATA_HOME"] = _directory["data"],
            ["GITHUB_ACTOR"] = "octocat", ["GITHUB_TOKEN"] = "",
        };
        await File.WriteAllTextAsync(_directory["event.json"], """{"repository":{"default_branch":"main"},"head_commit":{"timestamp":"2026-01-02T03:04:05Z"}}""");
        environment["GITHUB_EVENT_PATH"] = _directory["event.json"];
        foreach (JsonProperty input in facts.RootElement.GetProperty("inputs").EnumerateObject())
        {
            string value = Inputs.GetValueOrDefault(input.Name) ?? await DefaultAsync(input.Value.GetString()!);
            environment["INPUT_" + input.Name.ToUpperInvariant()] = value;
        }

        // Also what is not declared: the runner passes it on, with a warning.
        foreach ((string name, string value) in Inputs) environment["INPUT_" + name.ToUpperInvariant()] = value;
        foreach ((string name, string value) in Environment) environment[name] = value;
        string[] command = [.. As, await NodeTools.NodeAsync(), Path.Combine(Action, facts.RootElement.GetProperty("main").GetString()!)];
        ProgramResult result = await HostProgram.RunAsync(command[0], command[1..], environment, Workspace, TimeSpan.FromMinutes(3));
        return new ActionResult(
            result.ExitCode, result.Output + result.Errors, Outputs(await File.ReadAllLinesAsync(_directory["output"])), await File.ReadAllTextAsync(_directory["summary"]));
    }

    /// <summary>The outputs that action.yml promises, in order.</summary>
    /// <param name="except">Those that only a build has.</param>
    public static async Task<IEnumerable<string>> DeclaredOutputsAsync(params string[] except)
    {
        using JsonDocument facts = JsonDocument.Parse((await NodeTools.CheckAsync("action-facts.mjs", RepositoryFiles.Path("action.yml"))).OutputOrThrow());
        return [.. facts.RootElement.GetProperty("outputs").EnumerateArray().Select(o => o.GetString()!).Except(except).Order(StringComparer.Ordinal)];
    }

    private static async Task<string> DefaultAsync(string text)
    {
        if (!text.StartsWith("${{", StringComparison.Ordinal)) return text;
        ProgramResult result = await NodeTools.CheckAsync("expression.mjs", text[3..^2].Trim(), """{"github":{"token":"job-token"}}""");
        return result.OutputOrThrow().Trim();
    }

    // NAME<<DELIMITER, lines, DELIMITER; or NAME=VALUE (runner, FileCommandManager).
    private static Dictionary<string, string> Outputs(string[] lines)
    {
        var outputs = new Dictionary<string, string>();
        for (int i = 0; i < lines.Length; i++)
        {
            int marker = lines[i].IndexOf("<<", StringComparison.Ordinal);
            if (marker < 0) throw new InvalidOperationException($"not understood: {lines[i]}");
            string delimiter = lines[i][(marker + 2)..];
            int end = Array.IndexOf(lines, delimiter, i + 1);
            outputs[lines[i][..marker]] = string.Join('\n', lines[(i + 1)..end]);
            i = end;
        }

        return outputs;
    }
}

/// <param name="Log">With the commands that the runner takes for itself.</param>
internal sealed record ActionResult(int ExitCode, string Log, IReadOnlyDictionary<string, string> Outputs, string Summary)
{
    /// <summary>Everything that people get to see, but without the runner's masking: what must not show must not be in it.</summary>
    public string Shown => string.Join('\n', Log.Split('\n').Where(line => !line.StartsWith("::add-mask::", StringComparison.Ordinal)).Concat(Outputs.Values).Append(Summary));
}
