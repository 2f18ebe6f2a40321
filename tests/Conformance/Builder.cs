using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Kimg.TestKit;

namespace Kimg.Conformance;

/// <summary>A program that takes buildx's options: kimg, docker buildx itself, or buildctl in translation.</summary>
/// <param name="command">The words before <c>build</c>'s options.</param>
/// <param name="work">A directory that the program sees under the same name.</param>
/// <param name="peer">BuildKit, whose errors have no typed exit codes; null: kimg.</param>
internal sealed partial class Builder(IReadOnlyList<string> command, string work, string registry, CaseServer server, Peer? peer)
{
    public async Task<JsonObject> BuildAsync(BuildCase build)
    {
        // BuildKit takes up a context from the one of the same name before it, and a file of the same size and time for the same file.
        string home = Path.Combine(work, build.Name.Replace('/', '-')), output = Path.Combine(home, "image");
        string directory = Path.Combine(home, "context-" + build.Name.Replace('/', '-'));
        Places places = server.PlacesOf(build, registry);
        Directory.CreateDirectory(home);
        try
        {
            await ContextWriter.WriteAsync(directory, build.Context);
            await File.WriteAllTextAsync(Path.Combine(home, build.DockerfileName), places.Fill(build.Dockerfile));
            string[] inputs =
            [
                .. await ContextsAsync(build, home, places), .. await SecretsAsync(build, home), .. build.Options().Select(places.Fill),
                "--progress=plain", "-f", Path.Combine(home, build.DockerfileName),
            ];
            string context = build.RemoteContext is { } remote ? places.Fill(remote) : directory;
            if (build.Call is { } call) return await CallAsync(call, [.. inputs, context], build, places);
            ProgramResult result = await RunAsync(
            [
                .. inputs, "--provenance=false",
                "-o", $"type=oci,tar=false,compression=uncompressed,dest={output}" + (build.Epoch is null ? "" : ",rewrite-timestamp=true"), context,
            ]);
            return result.ExitCode == 0 ? BuiltImage.Read(output, places, build.Epoch is not null) : Failure(result, build, places);
        }
        finally
        {
            await HostProgram.MustAsync("rm", "-rf", home);
        }
    }

    /// <summary>What a method of --call prints, as text and as JSON. The sources in it are the Dockerfile, which says nothing new.</summary>
    private async Task<JsonObject> CallAsync(string call, string[] arguments, BuildCase build, Places places)
    {
        ProgramResult text = await RunAsync(["--call=" + call, .. arguments]), json = await RunAsync([$"--call={call},format=json", .. arguments]);
        if (text.Output.Length == 0 && text.ExitCode != 0) return Failure(text, build, places);
        JsonObject answer = JsonNode.Parse(places.Mask(json.Output))!.AsObject();
        answer.Remove("sources");
        answer["warnings"] = answer["warnings"] ?? (call == "check" ? new JsonArray() : null);
        if (answer["warnings"] is null) answer.Remove("warnings");
        if (answer["buildError"] is JsonObject error) error.Remove("message");
        foreach (JsonArray items in answer.Select(p => p.Value).OfType<JsonArray>().Where(_ => call != "targets"))
        {
            // BuildKit gives findings as its passes find them, and what stands on one line in any order.
            JsonNode[] sorted = [.. items.Select(item => item!).OrderBy(item => item.ToJsonString(), StringComparer.Ordinal)];
            items.Clear();
            foreach (JsonNode item in sorted) items.Add(item);
        }

        string[] lines = places.Mask(text.Output).Replace(Path.Combine(work, build.Name.Replace('/', '-')) + "/", "", StringComparison.Ordinal).Split('\n');
        return new JsonObject
        {
            ["call"] = new JsonObject
            {
                ["succeeds"] = text.ExitCode == 0,
                // Errors are worded by each builder itself.
                ["text"] = new JsonArray(
                [
                    .. string.Join('\n', lines.TakeWhile(l => !l.StartsWith("ERROR", StringComparison.Ordinal)).Select(l => l.TrimEnd())).TrimEnd()
                        .Split('\n').Select(l => (JsonNode)l),
                ]),
                ["json"] = answer,
            },
        };
    }

    private Task<ProgramResult> RunAsync(IReadOnlyList<string> arguments) => HostProgram.RunAsync(
        command[0], [.. command.Skip(1), .. peer?.IsBuildctl == true ? BuildctlArguments.Of(arguments) : arguments], limit: TimeSpan.FromMinutes(2));

    private async Task<IReadOnlyList<string>> ContextsAsync(BuildCase build, string home, Places places)
    {
        List<string> options = [];
        foreach ((string name, JsonNode? value) in build.Contexts)
        {
            if (value is not JsonArray entries)
            {
                options.Add($"--build-context={name}={places.Fill(value!.GetValue<string>())}");
                continue;
            }

            string directory = Path.Combine(home, $"context-{options.Count}-{build.Name.Replace('/', '-')}");
            await ContextWriter.WriteAsync(directory, entries);
            options.Add($"--build-context={name}={directory}");
        }

        return options;
    }

    private static async Task<IReadOnlyList<string>> SecretsAsync(BuildCase build, string home)
    {
        List<string> options = [];
        foreach ((string id, JsonNode? value) in build.Secrets)
        {
            string file = Path.Combine(home, $"secret-{options.Count}");
            await File.WriteAllTextAsync(file, value!.GetValue<string>());
            options.Add($"--secret=id={id},src={file}");
        }

        return options;
    }

    private JsonObject Failure(ProgramResult result, BuildCase build, Places places)
    {
        string line = Place().Matches(result.Errors) is { Count: > 0 } found ? found[^1].Groups[1].Value : "";
        string message = peer is not null
            ? PeerError().Match(result.Errors).Groups[1].Value.Trim()
            : result.Errors.Trim();
        return new JsonObject
        {
            ["error"] = new JsonObject
            {
                ["exit"] = peer is not null ? build.Exit ?? ExitClass(message) : result.ExitCode,
                ["line"] = line.Length == 0 ? null : int.Parse(line, CultureInfo.InvariantCulture),
                ["message"] = places.Mask(message).Replace(Path.Combine(work, build.Name.Replace('/', '-')), "", StringComparison.Ordinal),
            },
        };
    }

    /// <summary>The exit code that kimg's documentation promises for an error of this kind.</summary>
    private static int ExitClass(string message) =>
        message.Contains("did not complete successfully", StringComparison.Ordinal) ? 4
        : message.Contains("failed to resolve source metadata", StringComparison.Ordinal) ? 5
        : 3;

    [GeneratedRegex(@"Dockerfile:(\d+)", RegexOptions.None)]
    private static partial Regex Place();

    [GeneratedRegex(@"ERROR: failed to build: (.*)", RegexOptions.None)]
    private static partial Regex PeerError();
}
