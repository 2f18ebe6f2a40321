using Kimg.Engine.Build;
using Kimg.Engine.Registry;
using Kimg.TestKit;

namespace Kimg.Engine.Tests.Build;

/// <summary>Whole builds into a directory, for tests of where files come from.</summary>
public abstract class RemoteBuilds : IDisposable
{
    protected RemoteBuilds() => Files = new TempDirectory();

    protected TempDirectory Files { get; }

    public virtual void Dispose()
    {
        Files.Dispose();
        GC.SuppressFinalize(this);
    }

    protected string Out(string path) => Path.Combine(Files["out"], path);

    protected string WriteFile(string name, string text)
    {
        File.WriteAllText(Files[name], text);
        return Files[name];
    }

    protected async Task<string> ModesAsync()
    {
        string all = await HostProgram.MustAsync("find", Files["out"], "-type", "f", "-printf", "%m ./%P\n");
        return string.Concat(all.Split('\n', StringSplitOptions.RemoveEmptyEntries).OrderDescending(StringComparer.Ordinal).Select(l => l + "\n"));
    }

    protected async Task<string> TarAsync(params (string Name, string Text)[] files)
    {
        string source = Directory.CreateDirectory(Files[Guid.NewGuid().ToString("N")]).FullName;
        foreach ((string name, string text) in files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(source, name))!);
            File.WriteAllText(Path.Combine(source, name), text);
        }

        await HostProgram.MustAsync("tar", "-C", source, "-czf", source + ".tar.gz", ".");
        return source + ".tar.gz";
    }

    /// <param name="certificate">PEM file of an authority to trust.</param>
    protected async Task<BuildResult> BuildAsync(
        string? dockerfile,
        Func<BuildRequest, BuildRequest>? change = null,
        Func<string, string?>? environment = null,
        string? certificate = null,
        IBuildObserver? observer = null)
    {
        if (Directory.Exists(Files["out"])) Directory.Delete(Files["out"], recursive: true);
        await using ImageBuilder builder = ImageBuilder.Create(new BuilderOptions
        {
            StateDirectory = Files["state"], Environment = environment ?? (_ => null), Registry = new RegistryOptions { Attempts = 1, SslCertFile = certificate },
        });
        var request = new BuildRequest
        {
            Context = new EmptyContext(),
            DockerfileText = dockerfile,

            // Layers that were written as an image are found again by the next build.
            Outputs =
            [
                new OutputSpec { Type = OutputType.Local, Destination = Files["out"] },
                new OutputSpec { Type = OutputType.Oci, Destination = Files["image"], Tar = false },
            ],
        };
        return await builder.BuildAsync(change?.Invoke(request) ?? request, observer);
    }
}
