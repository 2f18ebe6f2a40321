namespace Kimg.TestKit;

/// <summary>The static kimg that <c>scripts/native.sh</c> made; tests of namespaces need it, because only a process that is not yet a runtime can enter them.</summary>
public static class NativeBinary
{
    public static string Path { get; } = Find();

    private static string Find()
    {
        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (!File.Exists(System.IO.Path.Combine(directory.FullName, "Builder.Tasks.sln"))) continue;
            string path = System.IO.Path.Combine(directory.FullName, "artifacts", "native", "linux-x64", "kimg");
            return File.Exists(path) ? path : throw new FileNotFoundException("run scripts/native.sh first: tests start the static binary", path);
        }

        throw new DirectoryNotFoundException("the tests do not run inside the repository");
    }
}
