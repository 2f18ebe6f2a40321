using System.Text;

namespace Kimg.Tool;

/// <summary>Options that are about one image, given for a solution: its only application is what they mean.</summary>
internal static class SolutionImages
{
    private const string Mark = "kimg-image:";

    private static readonly string[] s_ofOne = ["tag", "output", "as-file", "metadata-file", "iidfile"];

    public static bool IsSolution(Subject subject) => Path.GetExtension(subject.Path).ToLowerInvariant() is ".sln" or ".slnx";

    /// <returns>An option that is about one image; null: there is none.</returns>
    public static string? OptionOfOne(CommandLine line) =>
        line.Flag("check") ? null
        : line.Flag("print") ? "print"
        : line.Flag("quiet") ? "quiet"
        : line.Options.Select(option => option.Name).FirstOrDefault(s_ofOne.Contains);

    /// <returns>Arguments of dotnet that list the projects with an image (Tool.targets).</returns>
    public static IEnumerable<string> Listing(IEnumerable<string> build) =>
    [
        .. build.Where(argument => argument is "build" or "-nologo" || !argument.StartsWith('-')),
        "-t:_KimgListImage", "-v:minimal", "-tl:off",
        .. build.Where(argument => argument.StartsWith("-p:", StringComparison.OrdinalIgnoreCase) || argument.StartsWith("-c:", StringComparison.Ordinal)),
    ];

    /// <exception cref="UsageException">There is not exactly one.</exception>
    public static Subject Single(Subject solution, string option, ReadOnlySpan<byte> output)
    {
        string[] projects =
        [
            .. Encoding.UTF8.GetString(output).Split('\n').Where(line => line.Contains(Mark, StringComparison.Ordinal))
                .Select(line => line[(line.IndexOf(Mark, StringComparison.Ordinal) + Mark.Length)..].Trim()).Distinct().Order(StringComparer.Ordinal),
        ];
        string name = Path.GetFileName(solution.Path);
        return projects switch
        {
            [var only] => new Subject(only, true),
            [] => throw new UsageException($"--{option} is about one image, and no project of {name} makes one"),
            _ => throw new UsageException(
                $"--{option} is about one image, and {name} makes {projects.Length} ({string.Join(", ", projects.Select(Path.GetFileNameWithoutExtension))}); name the project"),
        };
    }
}
