namespace Kimg.Tool;

/// <summary>What an image is made of: a project or solution, or a directory with nothing but a Dockerfile.</summary>
/// <param name="Path">Absolute.</param>
internal sealed record Subject(string Path, bool IsProject)
{
    /// <exception cref="UsageException">There is nothing, or there are several.</exception>
    public static Subject Find(string? given, string currentDirectory)
    {
        string path = System.IO.Path.GetFullPath(given ?? ".", currentDirectory);
        if (File.Exists(path)) return IsProjectFile(path) ? new Subject(path, true) : throw new UsageException($"'{given}' is no project and no solution");
        if (!Directory.Exists(path))
        {
            return given is not null && given.Contains("://", StringComparison.Ordinal) ? new Subject(given, false) : throw new UsageException($"there is no '{path}'");
        }

        string[] projects = [.. Directory.GetFiles(path).Where(file => file.EndsWith("proj", StringComparison.OrdinalIgnoreCase))];
        string[] solutions = [.. Directory.GetFiles(path).Where(file => System.IO.Path.GetExtension(file).ToLowerInvariant() is ".sln" or ".slnx")];
        return (projects, solutions) switch
        {
            ([var only], _) => new Subject(only, true),
            ([], [var only]) => new Subject(only, true),
            ([], []) => new Subject(path, false),
            _ => throw new UsageException($"'{path}' holds several projects or solutions; name one"),
        };
    }

    private static bool IsProjectFile(string path) =>
        path.EndsWith("proj", StringComparison.OrdinalIgnoreCase) || System.IO.Path.GetExtension(path).ToLowerInvariant() is ".sln" or ".slnx";
}

/// <summary>The command line cannot be followed.</summary>
internal sealed class UsageException(string message) : Exception(message);
