namespace Kimg.TestKit;

/// <summary>Where things are in the checkout that the tests were built from.</summary>
public static class RepositoryFiles
{
    public static string Root { get; } = FindRoot();

    /// <summary>The static binary: KIMG_BINARY, or where ./build.sh native leaves it.</summary>
    public static string Kimg =>
        Environment.GetEnvironmentVariable("KIMG_BINARY") is { Length: > 0 } given ? given : Existing("artifacts/native/linux-x64/kimg", "./build.sh native");

    /// <summary>The same program as managed code, as the packages hold it.</summary>
    public static string ManagedKimg => Existing("artifacts/managed/kimg.dll", "./build.sh pack");

    public static string Path(string relative) => System.IO.Path.Combine(Root, relative);

    private static string Existing(string relative, string madeBy) =>
        File.Exists(Path(relative)) ? Path(relative) : throw new FileNotFoundException($"no {relative}; {madeBy} makes it");

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "Builder.Tasks.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"no Builder.Tasks.sln above {AppContext.BaseDirectory}");
    }
}
