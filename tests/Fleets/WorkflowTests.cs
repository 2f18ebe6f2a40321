using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Fleets;

/// <summary>The project's own workflows: their scripts are checked, and those of a release are run as the runner does, with a registry, a git server and stand-ins for cosign and gh.</summary>
public sealed partial class WorkflowTests
{
    private static string[] Workflows => Directory.GetFiles(RepositoryFiles.Path(".github/workflows"), "*.yml");

    private static string Release => RepositoryFiles.Path(".github/workflows/release.yml");

    [Fact]
    public async Task Scripts_are_clean_and_what_they_name_is_there()
    {
        using TempDirectory directory = new();
        foreach (string file in Workflows)
        {
            foreach (JsonElement step in await StepsAsync(file))
            {
                if (step.GetProperty("with").TryGetProperty("global-json-file", out JsonElement global)) Assert.True(File.Exists(RepositoryFiles.Path(global.GetString()!)));
                if (step.GetProperty("uses").GetString() is { } action) Assert.Matches("^[a-z-]+/[a-z-]+@[0-9a-f]{40}$", action);
                if (step.GetProperty("run").GetString() is not { } script) continue;
                // In a container without bash's path the runner takes sh.
                string shell = step.GetProperty("container").ValueKind == JsonValueKind.Null ? "bash" : "sh";
                // Expressions in a script are a way in for whoever names a branch; only what the workflow itself says may stand there.
                Assert.All(Expression().Matches(script), m => Assert.StartsWith("matrix.", m.Groups[1].Value, StringComparison.Ordinal));
                await File.WriteAllTextAsync(directory["step"], "set -e\n" + Expression().Replace(script, "value"));
                ProgramResult check = await HostProgram.RunAsync("shellcheck", ["--shell", shell, directory["step"]]);
                Assert.True(check.ExitCode == 0, $"{file}: {check.Output}");
                foreach (Match path in RepositoryPath().Matches(script)) Assert.True(File.Exists(RepositoryFiles.Path(path.Groups[1].Value)), $"{file}: there is no {path.Groups[1].Value}");
            }

            Assert.Empty(Regex.Matches(await File.ReadAllTextAsync(file), @"secrets\.(?!GITHUB_TOKEN|NUGET_API_KEY|CIRCLECI_CLI_TOKEN)\w+"));
        }
    }

    /// <summary>A tag can be moved to other code, a commit cannot; the version is for whoever updates it.</summary>
    [Fact]
    public void Actions_are_pinned_to_one_commit_each_with_the_version_that_it_is()
    {
        Dictionary<string, string> pins = [];
        foreach (string line in Workflows.SelectMany(File.ReadAllLines).Where(l => l.TrimStart(' ', '-').StartsWith("uses:", StringComparison.Ordinal)))
        {
            Match pin = Regex.Match(line, "uses: ([a-z-]+/[a-z-]+)(@[0-9a-f]{40} # v[0-9]+\\.[0-9]+\\.[0-9]+)$");
            Assert.True(pin.Success, line);
            pins.TryAdd(pin.Groups[1].Value, pin.Groups[2].Value);
            Assert.Equal(pins[pin.Groups[1].Value], pin.Groups[2].Value);
        }

        Assert.Equal(7, pins.Count);
    }

    [Fact]
    public async Task A_version_that_is_released_is_not_released_again()
    {
        using TempDirectory directory = new();
        await RepositoryAsync(directory);
        ProgramResult first = await RunAsync(await StepAsync("version", null, "version"), directory, []);
        Assert.True(first.ExitCode == 0, first.Output + first.Errors);
        string version = (await File.ReadAllTextAsync(directory["output"])).Trim()["version=".Length..];
        Assert.Contains($"<Version>{version}</Version>", await File.ReadAllTextAsync(RepositoryFiles.Path("Directory.Build.props")), StringComparison.Ordinal);
        await GitAsync(directory["work"], "tag", "v" + version);
        await GitAsync(directory["work"], "push", "-q", "origin", "v" + version);
        ProgramResult second = await RunAsync(await StepAsync("version", null, "version"), directory, []);
        Assert.Equal(1, second.ExitCode);
        Assert.Contains($"{version} is released; write the next version here", second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_release_pushes_images_signs_and_tags_the_sums_of_what_it_publishes()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using TempDirectory directory = new();
        await RepositoryAsync(directory);
        string made = Directory.CreateDirectory(Path.Combine(directory["work"], "artifacts/release")).FullName, bin = Directory.CreateDirectory(directory["bin"]).FullName;
        await HostProgram.MustAsync("cp", "-r", await ReleaseImage.DirectoryAsync() + "/.", made);
        // The other runner's part; what is in it is not run here.
        Dictionary<string, string> other = new() { ["KIMG_BINARY"] = RepositoryFiles.Kimg, ["KIMG_RELEASE"] = made, ["SOURCE_DATE_EPOCH"] = "1700000000" };
        (await HostProgram.RunAsync("bash", [RepositoryFiles.Path("scripts/release.sh"), "arm64"], other)).OutputOrThrow();
        await File.AppendAllTextAsync(Path.Combine(made, "kimg-linux-arm64"), "arm64");
        Directory.CreateDirectory(Path.Combine(directory["work"], "artifacts/packages"));
        await File.WriteAllTextAsync(Path.Combine(directory["work"], "artifacts/packages/Kimg.Tasks.nupkg"), "");
        foreach (string program in new[] { "cosign", "gh" })
        {
            string file = Path.Combine(bin, program);
            // Notes what it is told, and says which of the files are there.
            await File.WriteAllTextAsync(file, $"#!/bin/sh\necho {program} \"$@\" >>'{directory["calls"]}'\nfor a; do [ ! -f \"$a\" ] || echo \"file $(basename \"$a\")\" >>'{directory["calls"]}'; done\n"
                + "while [ $# -gt 0 ]; do [ \"$1\" != --bundle ] || echo '{}' >\"$2\"; shift; done\n");
            await HostProgram.MustAsync("chmod", "755", file);
        }

        string version = ReleaseImage.Read(Path.Combine(made, "release.json")).GetProperty("version").GetString()!, moving = "v" + version.Split('.')[0];
        // Where the release before left it.
        await GitAsync(directory["work"], "tag", moving);
        await GitAsync(directory["work"], "push", "-q", "origin", moving);
        Dictionary<string, string> environment = new()
        {
            ["PATH"] = $"{bin}:{Path.GetDirectoryName(await NodeTools.NodeAsync())}:{Environment.GetEnvironmentVariable("PATH")}", ["IMAGE"] = $"{registry.Host}/o/kimg",
            ["GITHUB_ACTOR"] = "octocat", ["XDG_DATA_HOME"] = directory["data"],
        };
        string[] names = [.. (await StepsAsync(Release, "publish")).Where(s => s.GetProperty("run").GetString() is not null).Select(s => s.GetProperty("name").GetString()!)];
        Assert.Equal(["Sign the images and the list of sums", "The tag, with the sums in the action", "Release", "The names that move, to what is signed, tagged and released"], names[^4..]);
        Dictionary<string, string> outputs = [];
        foreach (string name in names)
        {
            if (name == names[^1])
            {
                string tags = await HostProgram.MustAsync("skopeo", "list-tags", "--tls-verify=false", $"docker://{registry.Host}/o/kimg");
                Assert.DoesNotContain("\"latest\"", tags, StringComparison.Ordinal);
                Assert.DoesNotContain("\"debug\"", tags, StringComparison.Ordinal);
                Assert.NotEqual(await GitAsync(directory["origin"], "rev-parse", $"v{version}^{{commit}}"), await GitAsync(directory["origin"], "rev-parse", moving + "^{commit}"));
            }

            ProgramResult result = await RunAsync(await StepAsync("publish", name, null, version, outputs), directory, environment);
            Assert.True(result.ExitCode == 0, name + result.Output + result.Errors);
            Assert.DoesNotContain("job-token", result.Output + result.Errors, StringComparison.Ordinal);
            if (name.StartsWith("Images", StringComparison.Ordinal))
                outputs = (await File.ReadAllLinesAsync(directory["output"])).Select(l => l.Split('=')).ToDictionary(p => p[0], p => p[1]);
        }

        foreach ((string tag, string kind) in new[] { (version, "kimg"), ("latest", "kimg"), (version + "-debug", "debug"), ("debug", "debug") })
        {
            string raw = await HostProgram.MustAsync("skopeo", "inspect", "--raw", "--tls-verify=false", $"docker://{registry.Host}/o/kimg:{tag}");
            Assert.Equal(outputs[kind], Digest.Sha256(System.Text.Encoding.UTF8.GetBytes(raw)).ToString());
            Assert.Equal(["amd64", "arm64"], JsonDocument.Parse(raw).RootElement.GetProperty("manifests").EnumerateArray().Select(m => m.GetProperty("platform").GetProperty("architecture").GetString()));
        }

        Assert.Equal(await GitAsync(directory["origin"], "rev-parse", $"v{version}^{{commit}}"), await GitAsync(directory["origin"], "rev-parse", moving + "^{commit}"));
        string calls = await File.ReadAllTextAsync(directory["calls"]);
        Assert.Contains($"cosign sign --yes {registry.Host}/o/kimg@{outputs["kimg"]} {registry.Host}/o/kimg@{outputs["debug"]}\n", calls, StringComparison.Ordinal);
        Assert.Contains($"gh release create v{version} --verify-tag", calls, StringComparison.Ordinal);
        Assert.DoesNotContain("job-token", calls, StringComparison.Ordinal);
        string release = calls[calls.IndexOf("gh release", StringComparison.Ordinal)..];
        IEnumerable<string> published = release.Split('\n').Where(l => l.StartsWith("file ", StringComparison.Ordinal)).Select(l => l[5..]);
        Assert.Equal(
            [
                "Kimg.Tasks.nupkg", "Kimg.gitlab-ci.yml", "SHA256SUMS", "SHA256SUMS.sigstore.json", "install.sh", "kimg-linux-amd64", "kimg-linux-amd64.cdx.json",
                "kimg-linux-amd64.spdx.json", "kimg-linux-arm64", "kimg-linux-arm64.cdx.json", "kimg-linux-arm64.spdx.json", "orb.yml",
            ],
            published.Order(StringComparer.Ordinal));
        // The action at the tag pins both binaries.
        using JsonDocument pinned = JsonDocument.Parse(await GitAsync(directory["origin"], "show", $"v{version}:src/Action/release.json"));
        foreach (string name in new[] { "kimg-linux-amd64", "kimg-linux-arm64" })
            Assert.Equal(Digest.Sha256(await File.ReadAllBytesAsync(Path.Combine(made, name))).Hex, pinned.RootElement.GetProperty("sha256").GetProperty(name).GetString());
        Assert.Equal("", await GitAsync(directory["origin"], "log", "--format=%s", "main", "-1", "--grep=Release"));
    }

    [Fact]
    public async Task Only_main_is_released() =>
        Assert.All(await StepsAsync(Release), step => Assert.Equal("github.ref == 'refs/heads/main'", step.GetProperty("when").GetString()));

    [Fact]
    public async Task What_is_packed_are_the_binaries_of_the_release()
    {
        using TempDirectory directory = new();
        string released = Directory.CreateDirectory(Path.Combine(directory["work"], "artifacts/released")).FullName;
        foreach (string architecture in new[] { "amd64", "arm64" }) await File.WriteAllTextAsync(Path.Combine(released, "kimg-linux-" + architecture), architecture);
        JsonElement[] steps = [.. (await StepsAsync(Release, "packages")).Where(s => s.GetProperty("run").GetString() is not null)];
        ProgramResult result = await RunAsync(steps[^2], directory, []);
        Assert.True(result.ExitCode == 0, result.Errors);
        foreach ((string rid, string architecture) in new[] { ("linux-x64", "amd64"), ("linux-arm64", "arm64") })
        {
            string binary = Path.Combine(directory["work"], "artifacts/native", rid, "kimg");
            Assert.Equal(architecture, await File.ReadAllTextAsync(binary));
            await HostProgram.MustAsync("test", "-x", binary);
        }

        Assert.Equal(("./build.sh pack", "released"), (steps[^1].GetProperty("run").GetString(), steps[^1].GetProperty("env").GetProperty("KIMG_PACK_NATIVE").GetString()));
        // Without one of them nothing is packed.
        Directory.CreateDirectory(Path.Combine(directory["work"], "scripts"));
        File.Copy(RepositoryFiles.Path("scripts/pack.sh"), Path.Combine(directory["work"], "scripts/pack.sh"));
        File.Delete(Path.Combine(directory["work"], "artifacts/native/linux-arm64/kimg"));
        ProgramResult pack = await HostProgram.RunAsync("bash", [Path.Combine(directory["work"], "scripts/pack.sh")], new Dictionary<string, string> { ["KIMG_PACK_NATIVE"] = "released" });
        Assert.Equal((2, "pack.sh: no artifacts/native/linux-arm64/kimg"), (pack.ExitCode, pack.Errors.Trim()));
    }

    [Theory]
    [InlineData("k3y")]
    [InlineData("")]
    public async Task Packages_go_to_nuget_where_its_key_is_given(string key)
    {
        using TempDirectory directory = new();
        string packages = Directory.CreateDirectory(Path.Combine(directory["work"], "artifacts/packages")).FullName;
        string dotnet = Path.Combine(Directory.CreateDirectory(directory["bin"]).FullName, "dotnet");
        foreach (string name in new[] { "Kimg.Tasks.1.0.0.nupkg", "Kimg.Tool.1.0.0.nupkg" }) await File.WriteAllTextAsync(Path.Combine(packages, name), "");
        await File.WriteAllTextAsync(dotnet, $"#!/bin/sh\necho \"$@\" >>'{directory["calls"]}'\n");
        await HostProgram.MustAsync("chmod", "755", dotnet);
        Dictionary<string, string> environment = new() { ["PATH"] = $"{directory["bin"]}:{Environment.GetEnvironmentVariable("PATH")}", ["NUGET_API_KEY"] = key };
        JsonElement step = (await StepsAsync(Release, "nuget")).Single(s => s.GetProperty("run").GetString() is not null);
        Assert.Equal("${{ secrets.NUGET_API_KEY }}", step.GetProperty("env").GetProperty("NUGET_API_KEY").GetString());
        ProgramResult result = await RunAsync(step, directory, environment);
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        Assert.Equal(key.Length == 0, result.Output.Contains("::notice::the secret NUGET_API_KEY is not set", StringComparison.Ordinal));
        const string Push = "nuget push artifacts/packages/{0}.1.0.0.nupkg --api-key k3y --source https://api.nuget.org/v3/index.json --skip-duplicate\n";
        string expected = key.Length == 0 ? "" : Push.Replace("{0}", "Kimg.Tasks", StringComparison.Ordinal) + Push.Replace("{0}", "Kimg.Tool", StringComparison.Ordinal);
        Assert.Equal(expected, File.Exists(directory["calls"]) ? await File.ReadAllTextAsync(directory["calls"]) : "");
    }

    /// <param name="there">The version is in the registry of orbs: this job has run before.</param>
    [Theory]
    [InlineData("t0ken", false)]
    [InlineData("t0ken", true)]
    [InlineData("", false)]
    public async Task The_orb_is_published_once_where_circles_token_is_given(string token, bool there)
    {
        using TempDirectory directory = new();
        await RepositoryAsync(directory);
        string docker = Path.Combine(Directory.CreateDirectory(directory["bin"]).FullName, "docker");
        await File.WriteAllTextAsync(docker, $"#!/bin/sh\necho \"$@\" >>'{directory["calls"]}'\ncase \"$*\" in *' orb info '*) exit {(there ? 0 : 255)} ;; esac\n");
        await HostProgram.MustAsync("chmod", "755", docker);
        Dictionary<string, string> environment = new()
        {
            ["PATH"] = $"{directory["bin"]}:{Path.GetDirectoryName(await NodeTools.NodeAsync())}:{Environment.GetEnvironmentVariable("PATH")}", ["CIRCLECI_CLI_TOKEN"] = token, ["VERSION"] = "1.2.3",
        };
        JsonElement step = (await StepsAsync(Release, "orb")).Single(s => s.GetProperty("run").GetString() is not null);
        Assert.Equal("${{ secrets.CIRCLECI_CLI_TOKEN }}", step.GetProperty("env").GetProperty("CIRCLECI_CLI_TOKEN").GetString());
        ProgramResult result = await RunAsync(step, directory, environment);
        Assert.True(result.ExitCode == 0, result.Errors);
        Assert.Equal(token.Length == 0, result.Output.Contains("::notice::the secret CIRCLECI_CLI_TOKEN is not set", StringComparison.Ordinal));
        string[] calls = File.Exists(directory["calls"]) ? await File.ReadAllLinesAsync(directory["calls"]) : [];
        string[] expected = token.Length == 0 ? [] : ["orb validate /orb/orb.yml", "orb info kimg/kimg@1.2.3", .. there ? Array.Empty<string>() : ["orb publish /orb/orb.yml kimg/kimg@1.2.3"]];
        Assert.Equal(expected, calls.Select(c => c[c.IndexOf("orb ", StringComparison.Ordinal)..]));
        Assert.All(calls, c => Assert.StartsWith($"run --rm --env CIRCLECI_CLI_TOKEN --volume {directory["work"]}/artifacts:/orb:ro circleci/circleci-cli:", c, StringComparison.Ordinal));
        if (token.Length > 0) Assert.StartsWith("version: 2.1\n", await File.ReadAllTextAsync(Path.Combine(directory["work"], "artifacts/orb.yml")), StringComparison.Ordinal);
    }

    // What the steps need of the repository, with a bare one as origin.
    private static async Task RepositoryAsync(TempDirectory directory)
    {
        string work = Directory.CreateDirectory(directory["work"]).FullName;
        foreach (string part in new[] { "scripts", "src/Action", "circleci-orb", "gitlab-ci-templates" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(work, part))!);
            await HostProgram.MustAsync("cp", "-r", RepositoryFiles.Path(part), Path.Combine(work, part));
        }

        File.Copy(RepositoryFiles.Path("Directory.Build.props"), Path.Combine(work, "Directory.Build.props"));
        await HostProgram.MustAsync("git", "init", "-q", "--bare", "-b", "main", directory["origin"]);
        await GitAsync(work, "init", "-q", "-b", "main");
        await GitAsync(work, "remote", "add", "origin", directory["origin"]);
        await GitAsync(work, "add", "-A");
        await GitAsync(work, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "one");
        await GitAsync(work, "push", "-q", "origin", "main");
    }

    private static async Task<string> GitAsync(string directory, params string[] arguments) =>
        (await HostProgram.RunAsync("git", arguments, directory: directory)).OutputOrThrow();

    private static async Task<JsonElement[]> StepsAsync(params string[] arguments)
    {
        using JsonDocument steps = JsonDocument.Parse((await NodeTools.CheckAsync("workflow.mjs", arguments)).OutputOrThrow());
        return [.. steps.RootElement.EnumerateArray().Select(s => s.Clone())];
    }

    private static async Task<JsonElement> StepAsync(string job, string? name, string? id, string version = "", IReadOnlyDictionary<string, string>? outputs = null)
    {
        JsonObject images = new((outputs ?? new Dictionary<string, string>()).Select(o => KeyValuePair.Create(o.Key, (JsonNode?)o.Value)));
        JsonObject contexts = new()
        {
            ["github"] = new JsonObject { ["token"] = "job-token", ["actor"] = "octocat", ["repository_owner"] = "o" },
            ["needs"] = new JsonObject { ["version"] = new JsonObject { ["outputs"] = new JsonObject { ["version"] = version } } },
            ["steps"] = new JsonObject { ["images"] = new JsonObject { ["outputs"] = images } },
        };
        JsonElement[] steps = await StepsAsync(Release, job, contexts.ToJsonString());
        return steps.Single(s => name is null ? s.GetProperty("id").GetString() == id : s.GetProperty("name").GetString() == name);
    }

    private static async Task<ProgramResult> RunAsync(JsonElement step, TempDirectory directory, Dictionary<string, string> environment)
    {
        await File.WriteAllTextAsync(directory["output"], "");
        Dictionary<string, string> all = new() { ["GITHUB_OUTPUT"] = directory["output"] };
        foreach (JsonProperty variable in step.GetProperty("env").EnumerateObject()) all[variable.Name] = variable.Value.GetString()!;
        foreach ((string name, string value) in environment) all[name] = value;
        // The runner's way for `run:` without a shell.
        await File.WriteAllTextAsync(directory["step.sh"], step.GetProperty("run").GetString());
        return await HostProgram.RunAsync("bash", ["-e", directory["step.sh"]], all, directory["work"], TimeSpan.FromMinutes(2));
    }

    [GeneratedRegex(@"\$\{\{ *(.*?) *\}\}")]
    private static partial Regex Expression();

    // Files of the repository: what is below artifacts/ is made.
    [GeneratedRegex(@"(?<![\w/.-])(?:\./|\.\./\.\./)?((?:scripts|src|circleci-orb|gitlab-ci-templates)/[\w./@-]+|build\.sh|Directory\.Build\.props)")]
    private static partial Regex RepositoryPath();
}
