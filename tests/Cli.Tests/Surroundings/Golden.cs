using Xunit;

namespace Kimg.Cli.Tests.Surroundings;

/// <summary>A file of the repository that some output must equal; KIMG_UPDATE_GOLDEN=1 writes it.</summary>
internal static class Golden
{
    /// <summary>The checkout the tests run in: found from where they run, because deterministic builds know no source path.</summary>
    public static string Repository()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Builder.Tasks.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"no Builder.Tasks.sln above {AppContext.BaseDirectory}");
    }

    public static void Matches(string path, string actual)
    {
        string file = Path.Combine(Repository(), path);
        if (Environment.GetEnvironmentVariable("KIMG_UPDATE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, actual);
        }

        Assert.True(File.Exists(file), $"{path} is missing: run with KIMG_UPDATE_GOLDEN=1");
        Assert.Equal(File.ReadAllText(file), actual);
    }
}
