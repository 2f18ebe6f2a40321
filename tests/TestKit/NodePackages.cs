namespace Kimg.TestKit;

/// <summary>Packages of npm that a folder's package-lock.json pins, installed once for each version of that file. They run on the Node that npm comes with.</summary>
public sealed class NodePackages
{
    private readonly string _directory;

    private NodePackages(string directory) => _directory = directory;

    /// <param name="folder">Of the repository, with package.json and package-lock.json.</param>
    /// <param name="name">Of the directory below artifacts.</param>
    public static async Task<NodePackages> InstallAsync(string folder, string name)
    {
        string directory = RepositoryFiles.Path("artifacts/" + name), marker = Path.Combine(directory, ".installed");
        string wanted = await File.ReadAllTextAsync(RepositoryFiles.Path(folder + "/package-lock.json"));
        if (File.Exists(marker) && await File.ReadAllTextAsync(marker) == wanted) return new NodePackages(directory);
        Directory.CreateDirectory(directory);
        foreach (string file in new[] { "package.json", "package-lock.json" })
            File.Copy(RepositoryFiles.Path($"{folder}/{file}"), Path.Combine(directory, file), overwrite: true);
        (await HostProgram.RunAsync("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"], directory: directory)).OutputOrThrow();
        await File.WriteAllTextAsync(marker, wanted);
        return new NodePackages(directory);
    }

    /// <summary>A file of a package.</summary>
    public string PathOf(string file) => Path.Combine(_directory, "node_modules", file);

    /// <summary>Runs a CommonJS script that requires the packages.</summary>
    public Task<ProgramResult> RunAsync(string script, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null) => HostProgram.RunAsync(
        "node", [script, .. arguments], new Dictionary<string, string>(environment ?? new Dictionary<string, string>()) { ["NODE_PATH"] = Path.Combine(_directory, "node_modules") },
        limit: TimeSpan.FromMinutes(2));
}
