using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;
using System.Text.Json.Nodes;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Kimg.Tool;
using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary>The parts of the tasks that need no MSBuild.</summary>
[SupportedOSPlatform("linux")]
public sealed class PureTests
{
    [Theory]
    [InlineData("1.2.3", "full;minor;major;latest", "1.2.3,1.2,1,latest")]
    [InlineData("1.2.3", "all", "1.2.3,1.2,1,latest")]
    [InlineData("1.2.3", "minor", "1.2")]
    [InlineData("1.2.3+abc", "full;latest", "1.2.3,latest")]
    [InlineData("1.2.3.4", "full;minor", "1.2.3.4,1.2")]
    [InlineData("2.0", "full;major", "2.0.0,2")]
    [InlineData("1.2.3-rc.1", "all", "1.2.3-rc.1")]
    [InlineData("1.2.3-rc.1", "latest", "1.2.3-rc.1")]
    public void A_version_gives_tags(string version, string kinds, string tags) => Assert.Equal(tags, string.Join(',', VersionTags.Of(version, kinds.Split(';'))));

    [Fact]
    public void A_package_without_a_binary_for_this_machine_starts_managed_code_in_this_runtime()
    {
        using var tools = new TempDirectory();
        string[] managed = KimgBinary.Find("", tools.Path);
        Assert.Equal(["exec", tools["any/kimg.dll"]], managed[1..]);
        Assert.True(File.Exists(managed[0]) && Path.GetFileName(managed[0]) == "dotnet", managed[0]);
        string native = tools[$"linux-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}/kimg"];
        Directory.CreateDirectory(Path.GetDirectoryName(native)!);
        File.WriteAllText(native, "");
        Assert.Equal([native], KimgBinary.Find("", tools.Path));
        Assert.True(File.GetUnixFileMode(native).HasFlag(UnixFileMode.UserExecute | UnixFileMode.OtherExecute));
        File.WriteAllText(tools["own.dll"], "");
        Assert.Equal([managed[0], "exec", tools["own.dll"]], KimgBinary.Find(tools["own.dll"], tools.Path));
        Assert.Equal(ErrorCode.InvalidProjectProperty, Assert.Throws<KimgException>(() => KimgBinary.Find(tools["absent"], tools.Path)).Code);
    }

    [Theory]
    [InlineData("linux-x64", "linux/amd64")]
    [InlineData("linux-musl-arm64", "linux/arm64")]
    [InlineData("linux-arm", "linux/arm/v7")]
    [InlineData("debian.12-x64", "linux/amd64")]
    public void A_runtime_identifier_is_a_platform(string identifier, string platform) => Assert.Equal(platform, RuntimePlatform.Parse("X", identifier).ToString());

    [Theory]
    [InlineData("win-x64")]
    [InlineData("osx-arm64")]
    [InlineData("browser-wasm")]
    [InlineData("linux")]
    [InlineData("")]
    public void No_image_is_made_for_others(string identifier) =>
        Assert.Equal(ErrorCode.UnsupportedProject, Assert.Throws<KimgException>(() => RuntimePlatform.Parse("X", identifier)).Code);

    /// <summary>Entry point, its arguments, command, its arguments, default arguments, instruction, base's entry point → both of the image.</summary>
    [Theory]
    [InlineData("", "", "dotnet a.dll", "", "", "", "", "dotnet a.dll", "")]
    [InlineData("", "", "dotnet a.dll", "-x", "1 2", "", "init", "dotnet a.dll -x", "1 2")]
    [InlineData("", "", "dotnet a.dll", "", "", "DefaultArgs", "init", "init", "dotnet a.dll")]
    [InlineData("", "", "dotnet a.dll", "", "", "DefaultArgs", "dotnet", "", "dotnet a.dll")]
    [InlineData("init", "--", "dotnet a.dll", "-x", "1", "", "", "init --", "dotnet a.dll -x 1")]
    [InlineData("init", "", "", "", "1", "None", "", "init", "1")]
    [InlineData("", "1 2", "dotnet a.dll", "", "", "", "", "dotnet a.dll", "1 2")]
    public void Entry_point_and_command_follow_the_rules_of_the_sdk(
        string entrypoint, string entrypointArgs, string command, string commandArgs, string defaults, string instruction, string ofBase, string expected, string cmd)
    {
        (ImmutableArray<string> first, ImmutableArray<string> second) = new AppCommand
        {
            Entrypoint = Words(entrypoint), EntrypointArgs = Words(entrypointArgs), Command = Words(command), CommandArgs = Words(commandArgs),
            DefaultArgs = Words(defaults), Instruction = instruction,
        }.Resolve(Words(ofBase));
        Assert.Equal((expected, cmd), (string.Join(' ', first), string.Join(' ', second)));
    }

    [Theory]
    [InlineData("", "-x", "", "", "Entrypoint")]
    [InlineData("", "", "", "-x", "Entrypoint")]
    [InlineData("init", "", "a", "", "Entrypoint")]
    [InlineData("", "", "a", "", "None")]
    [InlineData("", "", "a", "", "Never")]
    public void Contradicting_commands_are_refused(string entrypoint, string entrypointArgs, string command, string commandArgs, string instruction) =>
        Assert.Equal(ErrorCode.InvalidProjectProperty, Assert.Throws<KimgException>(() => new AppCommand
        {
            Entrypoint = Words(entrypoint), EntrypointArgs = Words(entrypointArgs), Command = Words(command), CommandArgs = Words(commandArgs), Instruction = instruction,
        }.Resolve([])).Code);

    [Fact]
    public void Files_are_grouped_by_where_they_come_from()
    {
        using TempDirectory directory = new();
        foreach (string file in new[] { "App.dll", "App", "Lib.dll", "Pack.dll", "de/Pack.resources.dll", "runtimes/linux/native/x.so", "System.Private.CoreLib.dll", "libcoreclr.so", "wwwroot/a b.css" })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(directory[file])!);
            File.WriteAllText(directory[file], file);
        }

        File.WriteAllText(directory["App.deps.json"], """
            { "targets": { "t": {
                "App/1.0.0": { "runtime": { "App.dll": {} } },
                "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/10.0.0": { "runtime": { "System.Private.CoreLib.dll": {} }, "native": { "libcoreclr.so": {} } },
                "Pack/1.0.0": { "dependencies": { "Other": "1.0.0" }, "runtime": { "lib/net8.0/Pack.dll": {} }, "resources": { "lib/net8.0/de/Pack.resources.dll": { "locale": "de" } },
                  "runtimeTargets": { "runtimes/linux/native/x.so": { "rid": "linux", "assetType": "native" } } },
                "Lib/1.0.0": { "runtime": { "Lib.dll": {} } } } },
              "libraries": { "App/1.0.0": { "type": "project" }, "Lib/1.0.0": { "type": "project" }, "Pack/1.0.0": { "type": "package" },
                "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/10.0.0": { "type": "runtimepack" } } }
            """);
        PublishLayers layers = PublishLayers.Read(directory.Path, "App", ["App"]);
        Assert.Equal(
            [
                "runtime: System.Private.CoreLib.dll libcoreclr.so", "packages: Pack.dll de/Pack.resources.dll runtimes/linux/native/x.so", "projects: Lib.dll",
                "application: App.deps.json App.dll wwwroot/a b.css",
            ],
            layers.Layers.Select(layer => $"{layer.Name}: {string.Join(' ', layer.Files)}"));
    }

    [Fact]
    public async Task Every_name_of_a_file_and_every_value_survives_the_dockerfile()
    {
        using TempDirectory directory = new();
        string[] names = ["plain", "with space", "br[a]ck?t*", "d$ollar${X}", "quo\"te's", "ünï", "#hash", "<<EOF"];
        Directory.CreateDirectory(directory["publish"]);
        foreach (string name in names) File.WriteAllText(Path.Combine(directory["publish"], name), name);
        var image = new AppImage
        {
            Base = "scratch",
            Platforms = [new AppPlatform(Platform.Host, "publish", directory["publish"], PublishLayers.Read(directory["publish"], "App", []))],
            WorkingDirectory = "/my app/",
            Environment = [new("A", "a $X \"b\" \\ 'c' #d"), new("B", "")],
            Labels = ImmutableSortedDictionary<string, string>.Empty.Add("k e\"y", "v$1\\n"),
            Entrypoint = ["/my app/x", "$Y", "\"q\""],
            Cmd = ["ü\\"],
        };
        await File.WriteAllTextAsync(directory["Dockerfile"], AppDockerfile.Render(image, "App.csproj", portable: false));
        await HostProgram.MustAsync(
            RepositoryFiles.Kimg, "build", "--state-dir", directory["state"], "--progress=none", "--build-context", "publish=" + directory["publish"], "-o",
            $"type=tar,dest={directory["out.tar"]}", "-o", $"type=oci,tar=false,dest={directory["layout"]}", directory.Path);
        string listed = await HostProgram.MustAsync("tar", "--quoting-style=literal", "-tf", directory["out.tar"]);
        IEnumerable<string> found = listed.Split('\n').Where(n => n.StartsWith("my app/", StringComparison.Ordinal) && n.Length > 7).Select(n => n[7..]);
        Assert.Equal(names.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
        string config = await HostProgram.MustAsync("skopeo", "inspect", "--config", "oci:" + directory["layout"]);
        JsonNode made = JsonNode.Parse(config)!["config"]!;
        Assert.Equal(["A=a $X \"b\" \\ 'c' #d", "B="], made["Env"]!.AsArray().Select(e => e!.GetValue<string>()).Where(e => !e.StartsWith("PATH", StringComparison.Ordinal)));
        Assert.Equal("v$1\\n", made["Labels"]!["k e\"y"]!.GetValue<string>());
        Assert.Equal(["/my app/x", "$Y", "\"q\""], made["Entrypoint"]!.AsArray().Select(e => e!.GetValue<string>()));
        Assert.Equal(["ü\\"], made["Cmd"]!.AsArray().Select(e => e!.GetValue<string>()));
        Assert.Equal("/my app", made["WorkingDir"]!.GetValue<string>().TrimEnd('/'));
    }

    [Fact]
    public void Digests_of_unchanged_files_are_not_computed_again()
    {
        using TempDirectory directory = new();
        Directory.CreateDirectory(directory["p"]);
        File.WriteAllText(directory["p/a"], "one");
        DateTime old = DateTime.UtcNow.AddMinutes(-1);
        File.SetLastWriteTimeUtc(directory["p/a"], old);
        var digests = new PublishDigests(directory["record"]);
        string first = digests.Read(directory["p"])[0].Digest;
        // Same size and time: taken from the record, right or wrong; another time: read again.
        File.WriteAllText(directory["p/a"], "two");
        File.SetLastWriteTimeUtc(directory["p/a"], old);
        Assert.Equal(first, digests.Read(directory["p"])[0].Digest);
        File.SetLastWriteTimeUtc(directory["p/a"], old.AddSeconds(1));
        Assert.NotEqual(first, digests.Read(directory["p"])[0].Digest);
    }

    [Fact]
    public void Credentials_of_the_sdk_are_those_of_kimg()
    {
        var environment = new Dictionary<string, string?>
        {
            ["DOTNET_CONTAINER_PUSH_REGISTRY_UNAME"] = "pusher", ["DOTNET_CONTAINER_PUSH_REGISTRY_PWORD"] = "p:w",
            ["SDK_CONTAINER_REGISTRY_UNAME"] = "other", ["SDK_CONTAINER_REGISTRY_PWORD"] = "x",
            ["DOTNET_CONTAINER_INSECURE_REGISTRIES"] = "a:1;b:2",
            [SdkCredentials.PushRegistry] = "new.example", [SdkCredentials.PullRegistry] = "base.example",
        };
        SdkCredentials.Translate(environment);
        string Encoded(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
        Assert.Equal(
            "{'auths':{'base.example':{'auth':'OTHER'},'new.example':{'auth':'PUSHER'}}}".Replace('\'', '"')
                .Replace("OTHER", Encoded("other:x"), StringComparison.Ordinal).Replace("PUSHER", Encoded("pusher:p:w"), StringComparison.Ordinal),
            environment["DOCKER_AUTH_CONFIG"]);
        Assert.Equal("a:1,b:2", environment["KIMG_REGISTRY_INSECURE"]);
        Assert.DoesNotContain(SdkCredentials.PushRegistry, environment.Keys);
    }

    [Theory]
    [InlineData("--tag a/b:1 -t c", "KimgImageNames=\"a/b:1;c\"")]
    [InlineData("-a x64,arm64", "ContainerRuntimeIdentifiers=\"linux-x64;linux-arm64\"")]
    [InlineData("-a amd64", "ContainerRuntimeIdentifier=linux-x64")]
    [InlineData("-b alpine", "ContainerFamily=alpine")]
    [InlineData("--base=reg/x:1", "ContainerBaseImage=reg/x:1")]
    [InlineData("--platform linux/amd64,linux/arm64", "KimgPlatforms=\"linux/amd64;linux/arm64\"")]
    [InlineData("--push", "KimgPush=true")]
    [InlineData("--push=false", "KimgPush=false")]
    [InlineData("-f sub/Dockerfile", "KimgDockerfile=/work/sub/Dockerfile")]
    [InlineData("--build-arg A=1;2,3 --secret id=x,env=X", "KimgBuildOptions=\"--build-arg=A=1%3B2%2C3;--secret=id=x%2Cenv=X\"")]
    public void The_tool_turns_options_into_properties(string line, string property) => Assert.Contains(
        "-p:" + property, DotnetArguments.Of(CommandLine.Parse(line.Split(' ')), new Subject("/work/App.csproj", true), "/tool", "/work", "/print"));

    private static ImmutableArray<string> Words(string text) => [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
}
