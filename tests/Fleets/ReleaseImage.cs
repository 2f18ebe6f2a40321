using System.Text.Json;
using Kimg.TestKit;

namespace Kimg.Fleets;

/// <summary>What scripts/release.sh makes of the binary, once for all tests; unpacked by tar.</summary>
internal static class ReleaseImage
{
    private static readonly Lazy<Task<TempDirectory>> s_release = new(() => MakeAsync());

    public static async Task<string> DirectoryAsync() => (await s_release.Value).Path;

    public static async Task<TempDirectory> MakeAsync()
    {
        TempDirectory directory = new();
        Dictionary<string, string> environment = new() { ["KIMG_BINARY"] = RepositoryFiles.Kimg, ["KIMG_RELEASE"] = directory.Path, ["SOURCE_DATE_EPOCH"] = "1700000000" };
        (await HostProgram.RunAsync("bash", [RepositoryFiles.Path("scripts/release.sh")], environment)).OutputOrThrow();
        return directory;
    }

    public static async Task UnpackAsync(string root, string image = "kimg-image-amd64")
    {
        string layout = Path.Combine(await DirectoryAsync(), image);
        JsonElement manifest = Manifest(layout);
        foreach (JsonElement layer in manifest.GetProperty("layers").EnumerateArray())
            await HostProgram.MustAsync("tar", "-xpf", Blob(layout, layer.GetProperty("digest").GetString()!), "-C", root);
        // The image's users are others than the test's.
        await HostProgram.MustAsync("chmod", "755", root);
    }

    public static JsonElement Manifest(string layout)
    {
        JsonElement document = Read(Path.Combine(layout, "index.json"));
        while (document.TryGetProperty("manifests", out JsonElement manifests)) document = Read(Blob(layout, manifests[0].GetProperty("digest").GetString()!));
        return document;
    }

    public static string Blob(string layout, string digest) => Path.Combine(layout, "blobs/sha256", digest[7..]);

    public static JsonElement Read(string file)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file));
        return document.RootElement.Clone();
    }
}
