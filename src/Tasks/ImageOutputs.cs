using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Tasks;

/// <summary>Where an image goes, as options of <c>kimg build</c>.</summary>
internal sealed record ImageOutputs
{
    public required ImmutableArray<string> Options { get; init; }

    /// <summary>The archive that the project asked for; empty: none.</summary>
    public string Archive { get; init; } = "";

    /// <summary>An archive that a local daemon is to load, and the program that does it; empty: none.</summary>
    public string Load { get; init; } = "";

    public string LoadProgram { get; init; } = "";

    public bool Push { get; init; }

    /// <summary>In the store of kimg, under its names.</summary>
    public bool Stored { get; init; }

    public static ImageOutputs Of(BuildImage task, bool docker, bool index)
    {
        bool push = task.Push.Length > 0 ? IsTrue("KimgPush", task.Push) : task.ContainerRegistry.Length > 0 && task.ArchiveOutputPath.Length == 0;
        if (push && task.ContainerRegistry.Length == 0 && task.ImageNames.Length == 0)
        {
            throw new KimgException(ErrorCode.InvalidProjectProperty, "KimgPush is true, and ContainerRegistry is not set: there is no registry to push to")
            {
                Hint = "set ContainerRegistry, or whole names with KimgImageNames (--tag of dotnet build-image)",
            };
        }

        string program = task.LocalRegistry.ToLowerInvariant() switch
        {
            "" => "",
            "docker" or "podman" => task.LocalRegistry.ToLowerInvariant(),
            _ => throw new KimgException(ErrorCode.InvalidProjectProperty, $"LocalRegistry: unknown value '{task.LocalRegistry}'") { Hint = "it is Docker or Podman" },
        };
        var options = ImmutableArray.CreateBuilder<string>();
        string archive = task.ArchiveOutputPath.Length == 0 ? "" : ArchivePath(task), load = "";
        // Docker's archive holds one image; an index needs OCI's.
        if (archive.Length > 0) options.Add(Csv($"type={(docker && !index ? "docker" : "oci")}", $"dest={archive}"));
        else if (program.Length > 0 && !push)
        {
            load = Path.Combine(task.WorkDirectory, "image.tar");
            options.Add(Csv($"type={(index ? "oci" : "docker")}", $"dest={load}"));
        }

        options.AddRange(task.Outputs.Select(output => output.ItemSpec));
        bool stored = push || options.Count == 0;
        if (stored) options.Add($"type=image,push={(push ? "true" : "false")}{(docker ? ",oci-mediatypes=false" : "")}");
        return new ImageOutputs
        {
            Options = options.ToImmutable(), Archive = archive, Load = load, LoadProgram = load.Length > 0 ? program : "", Push = push, Stored = stored,
        };
    }

    public static bool IsTrue(string setting, string value) => value.ToLowerInvariant() switch
    {
        "true" => true,
        "false" => false,
        _ => throw new KimgException(ErrorCode.InvalidProjectProperty, $"{setting}: '{value}' is neither true nor false"),
    };

    // A directory gets a file named after the repository, as with the SDK.
    private static string ArchivePath(BuildImage task)
    {
        string path = Path.GetFullPath(task.ArchiveOutputPath, Path.GetDirectoryName(task.ProjectFile)!);
        bool directory = Directory.Exists(path) || Path.EndsInDirectorySeparator(task.ArchiveOutputPath);
        return directory ? Path.Combine(path, task.Repository.Split('/')[^1] + ".tar") : path;
    }

    private static string Csv(params string[] fields) =>
        string.Join(',', fields.Select(field => field.AsSpan().IndexOfAny(',', '"') < 0 ? field : $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\""));
}
