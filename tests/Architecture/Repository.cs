
namespace Kimg.Architecture;

/// <summary>The files of this repository, as the rules see them: paths relative to its root, with forward slashes.</summary>
internal static class Repository
{
    private static readonly string[] Generated = ["artifacts", "bin", "obj", "node_modules", "testdata", ".git", ".vs"];

    public static string Root { get; } = FindRoot();

    public static IEnumerable<string> Files(string folder, string extension)
    {
        string start = Path.Combine(Root, folder);
        if (!Directory.Exists(start))
            return [];
        return Walk(start)
            .Where(file => file.EndsWith(extension, StringComparison.Ordinal))
            .Select(file => Path.GetRelativePath(Root, file).Replace('\\', '/'))
            .Order(StringComparer.Ordinal);
    }

    public static string Read(string file) => File.ReadAllText(Path.Combine(Root, file));

    public static string[] Lines(string file) => File.ReadAllLines(Path.Combine(Root, file));

    public static bool Exists(string file) => Path.Exists(Path.Combine(Root, file));

    /// <summary>Names of the folders with source in them.</summary>
    public static IEnumerable<string> EngineFolders() =>
        Directory.GetDirectories(Path.Combine(Root, "src/Engine"))
            .Where(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories).Any())
            .Select(folder => Path.GetFileName(folder))
            .Where(name => !Generated.Contains(name))
            .Order(StringComparer.Ordinal);

    private static IEnumerable<string> Walk(string folder) =>
        Directory.EnumerateFiles(folder).Concat(
            Directory.EnumerateDirectories(folder).Where(child => !Generated.Contains(Path.GetFileName(child))).SelectMany(Walk));

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Builder.Tasks.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"no Builder.Tasks.sln above {AppContext.BaseDirectory}");
    }
}
