using System.Collections.Immutable;
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
    public async Task<DotnetRun> DotnetAsync(string directory, params string[] arguments)
    {
        string log = Path.Combine(directory, $"{Guid.NewGuid():N}.binlog");
        ProgramResult result = await HostProgram.RunAsync("dotnet", [.. arguments, "-nologo", "-bl:" + log], Environment(), directory);
        return new DotnetRun(result, log);
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
