using System.Text.Json.Nodes;
using Kimg.TestKit;

namespace Kimg.Conformance;

/// <summary>One Dockerfile with its context and options, and what BuildKit makes of it: a directory below <c>tests/vectors/builds</c>.</summary>
internal sealed record BuildCase(string Name, JsonObject Json)
{
    public const string Folder = "tests/vectors/builds";

    /// <summary>Only cases whose name contains one of these, separated by commas; all without it.</summary>
    private static readonly string[] s_wanted = (Environment.GetEnvironmentVariable("KIMG_CASES") ?? "").Split(',');

    public static IReadOnlyList<string> Names { get; } =
    [
        .. from theme in Directory.GetDirectories(RepositoryFiles.Path(Folder))
           from directory in Directory.GetDirectories(theme)
           let name = $"{Path.GetFileName(theme)}/{Path.GetFileName(directory)}"
           where s_wanted.Any(w => name.Contains(w, StringComparison.Ordinal))
           orderby name
           select name,
    ];

    public string Home => RepositoryFiles.Path($"{Folder}/{Name}");

    public string ExpectedFile => Path.Combine(Home, "expected.json");

    public string Dockerfile => string.Concat(Json["dockerfile"]!.AsArray().Select(line => line!.GetValue<string>() + "\n"));

    public JsonArray Context => Json["context"] as JsonArray ?? [];

    public JsonObject Contexts => Object("contexts");

    public JsonObject Secrets => Object("secrets");

    /// <summary>Seconds since 1970 that every time in the image is clamped to.</summary>
    public string? Epoch => Text("epoch");

    /// <summary>Instead of <c>.dockerignore</c> and <c>Dockerfile</c> in the context.</summary>
    public string DockerfileName => Text("file") ?? "Dockerfile";

    /// <summary>kimg's exit code, where BuildKit's message does not tell it.</summary>
    public int? Exit => Json["exit"]?.GetValue<int>();

    /// <summary>Uses what Debian's BuildKit cannot do (a later flag, a missing program): what is expected was checked by hand against the Dockerfile reference.</summary>
    public bool IsByHand => Json["byHand"]?.GetValue<bool>() == true;

    public static BuildCase Read(string name) =>
        new(name, JsonNode.Parse(File.ReadAllText(RepositoryFiles.Path($"{Folder}/{name}/case.json")))!.AsObject());

    /// <summary>A method of --call: what it prints is the result, not an image.</summary>
    public string? Call => Text("call");

    /// <summary>An address in place of the directory.</summary>
    public string? RemoteContext => Text("remote");

    /// <summary>What is served under <c>${HTTP}</c>: path → <c>{content|base64|entries, status, lastModified, redirect, token}</c>.</summary>
    public JsonObject Http => Object("http");

    /// <summary>Repositories served under <c>${GIT}/NAME.git</c>: name → commits, each <c>{files, tag, branch, submodules}</c>.</summary>
    public JsonObject Git => Object("git");

    /// <summary>The options that both builders take alike.</summary>
    public IEnumerable<string> Options()
    {
        foreach ((string key, JsonNode? value) in Object("args"))
            yield return $"--build-arg={key}={value!.GetValue<string>()}";
        foreach ((string key, JsonNode? value) in Object("labels"))
            yield return $"--label={key}={value!.GetValue<string>()}";
        foreach (JsonNode? host in Json["hosts"] as JsonArray ?? [])
            yield return $"--add-host={host!.GetValue<string>()}";
        foreach (JsonNode? option in Json["options"] as JsonArray ?? [])
            yield return option!.GetValue<string>();
        if (Text("target") is { } target)
            yield return $"--target={target}";
        if (Text("platform") is { } platform)
            yield return $"--platform={platform}";
        if (Epoch is not null)
            yield return $"--build-arg=SOURCE_DATE_EPOCH={Epoch}";
    }

    private JsonObject Object(string key) => Json[key] as JsonObject ?? [];

    private string? Text(string key) => Json[key]?.GetValue<string>();
}
