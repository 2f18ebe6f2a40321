using System.Runtime.CompilerServices;
using Xunit;

namespace Kimg.Cli.Tests.Surroundings;

/// <summary>A file of the repository that some output must equal; KIMG_UPDATE_GOLDEN=1 writes it.</summary>
internal static class Golden
{
    public static string Repository([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../.."));

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
