using Kimg.TestKit;

namespace Kimg.Bench;

/// <summary>Directory and registry that all builders see.</summary>
internal sealed class Workbench(string directory, string registry) : IDisposable
{
    /// <summary>New in every run, so that nothing that a builder remembers of an earlier one is a hit.</summary>
    public string Nonce { get; } = Guid.NewGuid().ToString("N");

    public string Registry => registry;

    public string this[string name] => Path.Combine(directory, name);

    public string Base(string name) => $"{registry}/base/{name}";

    public string Fresh(string name)
    {
        string path = this[name];
        Directory.CreateDirectory(path);
        return path;
    }

    /// <summary>Pushes a base image, made when it is not there yet.</summary>
    /// <returns>Its OCI layout.</returns>
    public async Task<string> ProvideAsync(string name) =>
        (await HostProgram.MustAsync("bash", RepositoryFiles.Path("tests/Bases/make.sh"), "--push", registry, name)).Trim();

    public static Task CopyAsync(string from, string to) => HostProgram.MustAsync("cp", "-a", "-T", from, to);

    public static void Remove(string path)
    {
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
    }

    public void Dispose() => Remove(directory);
}
