using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Kimg.TestKit;

namespace Kimg.Conformance;

/// <summary>A program that takes buildx's options: kimg, or docker buildx itself.</summary>
/// <param name="command">The words before <c>build</c>'s options.</param>
/// <param name="work">A directory that the program sees under the same name.</param>
/// <param name="peer">BuildKit: its errors have no typed exit codes.</param>
internal sealed partial class Builder(IReadOnlyList<string> command, string work, string registry, bool peer)
{
    public async Task<JsonObject> BuildAsync(BuildCase build)
    {
        string home = Path.Combine(work, build.Name.Replace('/', '-')), output = Path.Combine(home, "image");
        Directory.CreateDirectory(home);
        try
        {
            await ContextWriter.WriteAsync(Path.Combine(home, "context"), build.Context);
            await File.WriteAllTextAsync(Path.Combine(home, build.DockerfileName), Filled(build.Dockerfile));
            ProgramResult result = await HostProgram.RunAsync(
                command[0],
                [
                    .. command.Skip(1), .. await ContextsAsync(build, home), .. await SecretsAsync(build, home), .. build.Options(),
                    "--progress=plain", "--provenance=false", "-f", Path.Combine(home, build.DockerfileName),
                    "-o", $"type=oci,tar=false,compression=uncompressed,dest={output}" + (build.Epoch is null ? "" : ",rewrite-timestamp=true"),
                    Path.Combine(home, "context"),
                ],
                new Dictionary<string, string> { ["KIMG_TEST_CONFORMANCE"] = "1" },
                limit: TimeSpan.FromMinutes(2));
            return result.ExitCode == 0 ? BuiltImage.Read(output, registry, build.Epoch is not null) : Failure(result, build);
        }
        finally
        {
            await HostProgram.MustAsync("rm", "-rf", home);
        }
    }

    private async Task<IReadOnlyList<string>> ContextsAsync(BuildCase build, string home)
    {
        List<string> options = [];
        foreach ((string name, JsonNode? value) in build.Contexts)
        {
            if (value is not JsonArray entries)
            {
                options.Add($"--build-context={name}={Filled(value!.GetValue<string>())}");
                continue;
            }

            string directory = Path.Combine(home, $"context-{options.Count}");
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

    private JsonObject Failure(ProgramResult result, BuildCase build)
    {
        string line = Place().Matches(result.Errors) is { Count: > 0 } places ? places[^1].Groups[1].Value : "";
        string message = peer
            ? PeerError().Match(result.Errors).Groups[1].Value.Trim()
            : result.Errors.Trim();
        return new JsonObject
        {
            ["error"] = new JsonObject
            {
                ["exit"] = peer ? build.Exit ?? ExitClass(message) : result.ExitCode,
                ["line"] = line.Length == 0 ? null : int.Parse(line, CultureInfo.InvariantCulture),
                ["message"] = message.Replace(registry, "${REGISTRY}", StringComparison.Ordinal)
                    .Replace(Path.Combine(work, build.Name.Replace('/', '-')), "", StringComparison.Ordinal),
            },
        };
    }

    /// <summary>The exit code that kimg's documentation promises for an error of this kind.</summary>
    private static int ExitClass(string message) =>
        message.Contains("did not complete successfully", StringComparison.Ordinal) ? 4
        : message.Contains("failed to resolve source metadata", StringComparison.Ordinal) ? 5
        : 3;

    private string Filled(string text) => text.Replace("${REGISTRY}", registry, StringComparison.Ordinal);

    [GeneratedRegex(@"Dockerfile:(\d+)", RegexOptions.None)]
    private static partial Regex Place();

    [GeneratedRegex(@"ERROR: failed to build: (.*)", RegexOptions.None)]
    private static partial Regex PeerError();
}
