using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary>What real <c>dotnet</c> runs share: the packed packages, a clean NuGet folder, a registry that is not ours with the bases under the names that the
/// SDK chooses, and a state directory.</summary>
public sealed class DotnetMachine : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();
    private DebianRegistry? _registry;

    public string Registry => _registry?.Host ?? throw new InvalidOperationException("the machine is not ready");

    public string StateDirectory => _directory["state"];

    public static string Packages => RepositoryFiles.Path("artifacts/packages");

    public async Task InitializeAsync()
    {
        if (!Directory.Exists(Packages) || Directory.GetFiles(Packages, "Kimg.*.nupkg").Length < 2)
            throw new FileNotFoundException("no packages in artifacts/packages; ./build.sh pack makes them");
        _registry = await DebianRegistry.StartAsync();
        await HostProgram.MustAsync("bash", RepositoryFiles.Path("tests/Bases/make.sh"), "--push", Registry, "dotnet-runtime");
        await File.WriteAllTextAsync(_directory["nuget.config"], $"""
            <configuration>
              <packageSources>
                <clear />
                <add key="packed" value="{Packages}" />
                <add key="nuget.org" value="https://api.nuget.org/v3/index.json" />
              </packageSources>
            </configuration>
            """);
        await MakeBasesAsync();
    }

    public Task DisposeAsync()
    {
        _registry?.Dispose();
        _directory.Dispose();
        return Task.CompletedTask;
    }

    /// <summary>A copy of samples/dotnet below a directory of its own.</summary>
    /// <returns>The directory of one of the samples in it.</returns>
    public async Task<string> CopySampleAsync(string sample)
    {
        string root = _directory[$"{sample}-{Guid.NewGuid():N}"[..(sample.Length + 9)]];
        await HostProgram.MustAsync("cp", "-a", RepositoryFiles.Path("samples/dotnet"), root);
        await HostProgram.MustAsync("find", root, "-type", "d", "(", "-name", "bin", "-o", "-name", "obj", ")", "-prune", "-exec", "rm", "-rf", "{}", "+");
        return Path.Combine(root, sample);
    }

    /// <summary>Runs <c>dotnet</c> with a binary log.</summary>
    public Task<DotnetRun> DotnetAsync(string directory, params string[] arguments) => RunDotnetAsync(directory, Environment(), arguments);

    /// <summary>As <see cref="DotnetAsync"/> with other variables too.</summary>
    public Task<DotnetRun> DotnetWithAsync((string Name, string Value)[] variables, string directory, params string[] arguments) =>
        RunDotnetAsync(directory, Environment(variables), arguments);

    /// <summary>Runs <c>dotnet</c> as it would run on macOS and Windows: kimg is the managed code of the package, every native call of it throws, and nothing is
    /// left of what its binary did.</summary>
    public Task<DotnetRun> DotnetWithoutNativeAsync(string directory, params string[] arguments) => RunDotnetAsync(
        directory, Environment(("KIMG_TEST_WITHOUT", "native"), ("KIMG_STATE_DIR", _directory["state-of-managed"])), [.. arguments, "-p:KimgBinary=" + ManagedKimg]);

    /// <summary>Builds the image of a published sample again, without native code, under another name. The compressed layers are what zlib makes, whose version
    /// is another in the binary; everything else must be the same.</summary>
    public async Task SameWithoutNativeAsync(string project, string image, params string[] arguments)
    {
        string[] name = image.Split(':');
        DotnetRun run = (await DotnetWithoutNativeAsync(
            project, ["publish", "--no-build", "-t:BuildImage", Push, $"-p:ContainerRepository=managed/{name[0]}", .. arguments])).Succeeded();
        Assert.Contains("any/kimg.dll", run.Texts().First(text => text.Contains("kimg.dll build", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal(await ConfigsAsync(image), await ConfigsAsync($"managed/{image}"));
    }

    /// <summary>Packed beside the binary.</summary>
    public string ManagedKimg => Assert.Single(Directory.GetFiles(_directory["packages/kimg.tasks"], "kimg.dll", SearchOption.AllDirectories));

    private async Task<DotnetRun> RunDotnetAsync(string directory, ImmutableDictionary<string, string> environment, params string[] arguments)
    {
        string log = Path.Combine(directory, $"{Guid.NewGuid():N}.binlog");
        ProgramResult result = await HostProgram.RunAsync("dotnet", [.. arguments, "-nologo", "-bl:" + log], environment, directory);
        return new DotnetRun(result, log);
    }

    // The configurations' digests, which hold those of the layers' contents; of an index one for each platform.
    private async Task<string> ConfigsAsync(string image)
    {
        string location = $"docker://{Registry}/{image}";
        JsonNode document = JsonNode.Parse(await HostProgram.MustAsync("skopeo", "inspect", "--raw", "--tls-verify=false", location))!;
        if (document["manifests"] is not JsonArray manifests) return document["config"]!["digest"]!.GetValue<string>();
        IEnumerable<Task<string>> each = manifests.Select(m => ConfigsAsync($"{image.Split(':')[0]}@{m!["digest"]}"));
        return string.Join('\n', await Task.WhenAll(each));
    }

    /// <summary>As <see cref="DotnetAsync"/> for programs and verbs that take no binary log.</summary>
    public Task<ProgramResult> RunAsync(string program, string directory, params string[] arguments) =>
        HostProgram.RunAsync(program, arguments, Environment(), directory);

    public string Property(string name, string value) => $"-p:{name}={value}";

    /// <summary>To the registry of the tests.</summary>
    public string Push => $"-p:ContainerRegistry={Registry}";

    public ImmutableDictionary<string, string> Environment(params (string Name, string Value)[] more) => ImmutableDictionary<string, string>.Empty
        .Add("NUGET_PACKAGES", _directory["packages"])
        .Add("DOTNET_CLI_HOME", _directory["home"])
        .Add("KIMG_STATE_DIR", StateDirectory)
        .Add("KIMG_REGISTRY_MIRROR", "mcr.microsoft.com=" + Registry)
        .Add("DOTNET_CLI_TELEMETRY_OPTOUT", "1")
        .Add("DOTNET_NOLOGO", "1")
        .Add("MSBUILDDISABLENODEREUSE", "1")
        .Add("CI", "")
        // Whoever builds, and whenever: the same image.
        .Add("SOURCE_DATE_EPOCH", "1700000000")
        .Add("SAMPLE_TOKEN", "s3cr3t-of-the-sample")
        .SetItems(more.Select(m => KeyValuePair.Create(m.Name, m.Value)));

    // Microsoft's registry is not needed: the same names, made of Debian's packages and this machine's runtime.
    private async Task MakeBasesAsync()
    {
        string runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!, shared = Path.GetDirectoryName(Path.GetDirectoryName(runtime))!;
        Directory.CreateDirectory(_directory["bases"]);
        await File.WriteAllTextAsync(_directory["bases/Dockerfile"], $"""
            FROM {Registry}/base/dotnet-runtime:latest AS runtime
            ENV APP_UID=1654 ASPNETCORE_HTTP_PORTS=8080
            FROM runtime AS aspnet
            COPY --link --from=shared Microsoft.AspNetCore.App /usr/share/dotnet/shared/Microsoft.AspNetCore.App
            FROM scratch AS two
            COPY Dockerfile /two
            ENV APP_UID=1654
            """);
        await BaseAsync("runtime", "dotnet/runtime:10.0", "dotnet/runtime-deps:10.0", "dotnet/runtime-deps:9.0", "dotnet/runtime-deps:9.0-noble-chiseled");
        await BaseAsync("aspnet", "dotnet/aspnet:10.0");
        await BaseAsync("two", "dotnet/two:latest");

        Task BaseAsync(string target, params string[] names) => HostProgram.MustAsync(
            RepositoryFiles.Kimg,
            [
                "build", "--state-dir", StateDirectory, "--progress=none", "--target", target, "--build-context", "shared=" + shared, "--push",
                .. target == "two" ? new[] { "--platform=linux/amd64,linux/arm64" } : [],
                .. names.SelectMany(name => new[] { "-t", $"{Registry}/{name}" }), _directory["bases"],
            ]);
    }
}

[CollectionDefinition(nameof(DotnetMachine))]
public sealed class DotnetMachineCollection : ICollectionFixture<DotnetMachine>;
