using System.Text.Json.Nodes;
using Kimg.TestKit;

namespace Kimg.Real;

/// <summary>An image pulled by skopeo and unpacked by tar: neither has ever heard of kimg.</summary>
public sealed class PulledImage : IDisposable
{
    private readonly TempDirectory _directory;

    private PulledImage(TempDirectory directory, JsonNode config) => (_directory, Config) = (directory, config);

    public JsonNode Config { get; }

    public string RootFs => _directory["rootfs"];

    public static async Task<PulledImage> PullAsync(string name)
    {
        TempDirectory directory = new();
        await HostProgram.MustAsync("skopeo", "copy", "-q", "--src-tls-verify=false", $"docker://{name}", $"oci:{directory["image"]}:latest");
        JsonNode index = await ReadAsync(directory["image/index.json"]);
        JsonNode manifest = await BlobAsync(directory, index["manifests"]![0]!);
        PulledImage image = new(directory, await BlobAsync(directory, manifest["config"]!));
        Directory.CreateDirectory(image.RootFs);
        foreach (JsonNode? layer in manifest["layers"]!.AsArray())
            await image.UnpackAsync(BlobPath(directory, layer!));
        return image;
    }

    /// <summary>Runs the image's command, or another, under runc, and gives what it prints.</summary>
    public async Task<string> RunAsync(params string[] command)
    {
        string bundle = _directory.Path, id = $"kimg-real-{Environment.ProcessId}-{Path.GetFileName(bundle)}";
        await HostProgram.RunAsync("runc", ["spec", "--bundle", bundle]);
        JsonNode spec = await ReadAsync(_directory["config.json"]);
        JsonNode config = Config["config"]!;
        JsonNode process = spec["process"]!;
        process["terminal"] = false;
        process["args"] = new JsonArray([.. (command.Length > 0 ? command : ImageCommand()).Select(a => (JsonNode)a)]);
        process["env"] = config["Env"]!.DeepClone();
        process["cwd"] = config["WorkingDir"]?.GetValue<string>() is { Length: > 0 } directory ? directory : "/";
        process["user"] = User(config["User"]?.GetValue<string>());
        // A service that changes to its own user needs what docker gives by default.
        JsonArray capabilities = new("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETGID", "CAP_SETUID");
        foreach (string set in new[] { "bounding", "effective", "permitted" })
            process["capabilities"]![set] = capabilities.DeepClone();
        // Raising limits is refused on some machines.
        process.AsObject().Remove("rlimits");
        spec["root"]!["readonly"] = false;
        await File.WriteAllTextAsync(_directory["config.json"], spec.ToJsonString());
        return (await HostProgram.RunAsync("runc", ["run", "--bundle", bundle, id], limit: TimeSpan.FromMinutes(1))).OutputOrThrow();
    }

    public void Dispose() => _directory.Dispose();

    private IEnumerable<string> ImageCommand() =>
        new[] { "Entrypoint", "Cmd" }.SelectMany(key => Config["config"]![key]?.AsArray() ?? []).Select(a => a!.GetValue<string>());

    private static JsonObject User(string? user)
    {
        string[] ids = string.IsNullOrEmpty(user) ? ["0", "0"] : user.Split(':');
        return new JsonObject { ["uid"] = uint.Parse(ids[0], null), ["gid"] = uint.Parse(ids[^1], null) };
    }

    private async Task UnpackAsync(string blob)
    {
        await HostProgram.MustAsync("tar", "-x", "-f", blob, "-C", RootFs, "--numeric-owner", "--same-owner", "-p", "--xattrs", "--xattrs-include=*");
        EnumerationOptions all = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        foreach (string whiteout in Directory.GetFiles(RootFs, ".wh.*", all))
        {
            string gone = Path.Combine(Path.GetDirectoryName(whiteout)!, Path.GetFileName(whiteout)[".wh.".Length..]);
            await HostProgram.MustAsync("rm", "-rf", gone, whiteout);
        }
    }

    private static string BlobPath(TempDirectory directory, JsonNode descriptor) =>
        directory["image/blobs/" + descriptor["digest"]!.GetValue<string>().Replace(':', '/')];

    private static Task<JsonNode> BlobAsync(TempDirectory directory, JsonNode descriptor) => ReadAsync(BlobPath(directory, descriptor));

    private static async Task<JsonNode> ReadAsync(string path) => JsonNode.Parse(await File.ReadAllTextAsync(path))!;
}
