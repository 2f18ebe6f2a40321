using System.Text.Json.Nodes;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary>Where images go: registries with and without credentials, archives, a daemon; and that they are always the same.</summary>
[Collection(nameof(DotnetMachine))]
public sealed class OutputTests(DotnetMachine machine)
{
    [Fact]
    public async Task Several_runtime_identifiers_are_published_each_and_make_one_index_in_the_embedded_registry()
    {
        string project = await machine.CopySampleAsync("multi-arch"), file = Path.Combine(project, "MultiArch.csproj");
        string text = await File.ReadAllTextAsync(file);
        await File.WriteAllTextAsync(file, text.Replace(
            "KimgPlatforms>linux/amd64;linux/arm64</KimgPlatforms>", "RuntimeIdentifiers>linux-x64;linux-arm64</RuntimeIdentifiers>"
            // The feed need not have packs for an architecture whose programs nobody runs here.
            + "<EnableRuntimePackDownload>false</EnableRuntimePackDownload><EnableAppHostPackDownload>false</EnableAppHostPackDownload>", StringComparison.Ordinal));
        await using TestRegistry embedded = TestRegistry.Start();
        DotnetRun run = (await machine.DotnetAsync(
            project, "build", "-c", "Release", "-t:BuildImage", $"-p:ContainerRegistry={embedded.Host}", "-p:ContainerBaseImage=mcr.microsoft.com/dotnet/two:latest")).Succeeded();
        Assert.Equal(2, run.Targets("_KimgPublishInner").Count);
        string raw = await HostProgram.MustAsync("skopeo", "inspect", "--raw", "--tls-verify=false", $"docker://{embedded.Host}/samples/multi-arch:latest");
        Assert.Equal(["amd64", "arm64"], JsonNode.Parse(raw)!["manifests"]!.AsArray().Select(m => m!["platform"]!["architecture"]!.GetValue<string>()).Order());
        string config = await HostProgram.MustAsync(
            "skopeo", "inspect", "--config", "--override-arch=arm64", "--tls-verify=false", $"docker://{embedded.Host}/samples/multi-arch:latest");
        Assert.Equal("arm64", JsonNode.Parse(config)!["architecture"]!.GetValue<string>());
        Assert.Equal(["dotnet", "/app/MultiArch.dll"], JsonNode.Parse(config)!["config"]!["Entrypoint"]!.AsArray().Select(e => e!.GetValue<string>()));
        string digest = run.Property("BuildImage", "KimgImageDigest");
        DotnetRun second = (await machine.DotnetAsync(
            project, "build", "-c", "Release", "-t:BuildImage", $"-p:ContainerRegistry={embedded.Host}", "-p:ContainerBaseImage=mcr.microsoft.com/dotnet/two:latest",
            "-p:ContainerPublishInParallel=false")).Succeeded();
        Assert.Contains("BuildInParallel=false", Parallel(second));
        Assert.Contains("BuildInParallel=true", Parallel(run));
        Assert.Equal((digest, "True"), (second.Property("BuildImage", "KimgImageDigest"), second.Property("BuildImage", "KimgUpToDate")));
    }

    // Of the call that publishes for each runtime identifier.
    private static IEnumerable<string> Parallel(DotnetRun run) => run.Targets("_KimgPublish")
        .SelectMany(target => target.FindChildrenRecursive<Microsoft.Build.Logging.StructuredLogger.Property>())
        .Where(property => property.Name == "BuildInParallel").Select(property => $"{property.Name}={property.Value.ToLowerInvariant()}");

    [Fact]
    public async Task Archives_and_daemons_get_what_they_read_and_credentials_stay_out_of_the_log()
    {
        string project = await machine.CopySampleAsync("console");
        (await machine.DotnetAsync(project, "publish", "-t:BuildImage", "-p:ContainerArchiveOutputPath=out/", "-p:ContainerImageFormat=Docker", "-p:KimgTagsFromVersion=full")).Succeeded();
        string archive = Path.Combine(project, "out/console.tar");
        string inspected = await HostProgram.MustAsync("skopeo", "inspect", "docker-archive:" + archive);
        Assert.Equal("amd64", JsonNode.Parse(inspected)!["Architecture"]!.GetValue<string>());
        (await machine.DotnetAsync(project, "publish", "--no-build", "-t:BuildImage", "-p:ContainerArchiveOutputPath=image.tar")).Succeeded();
        await HostProgram.MustAsync("skopeo", "inspect", $"oci-archive:{Path.Combine(project, "image.tar")}:1.2.3");

        // What another build has written there since is not this image.
        string[] rebuild = ["publish", "--no-build", "-t:BuildImage", "-p:ContainerArchiveOutputPath=image.tar"];
        Assert.Equal("true", (await machine.DotnetAsync(project, rebuild)).Property("BuildImage", "KimgUpToDate"), ignoreCase: true);
        File.Copy(archive, Path.Combine(project, "image.tar"), overwrite: true);
        Assert.Equal("false", (await machine.DotnetAsync(project, rebuild)).Succeeded().Property("BuildImage", "KimgUpToDate"), ignoreCase: true);

        // A daemon that notes what it was given.
        string bin = Path.Combine(project, "bin-of-podman");
        Directory.CreateDirectory(bin);
        await File.WriteAllTextAsync(Path.Combine(bin, "podman"), "#!/bin/sh\n[ \"$1 $2\" = 'load --input' ] && cp \"$3\" \"$(dirname \"$0\")/loaded.tar\"\n");
        await HostProgram.MustAsync("chmod", "+x", Path.Combine(bin, "podman"));
        string path = bin + ":" + Environment.GetEnvironmentVariable("PATH");
        ProgramResult loaded = await HostProgram.RunAsync(
            "dotnet", ["publish", "--no-build", "-nologo", "-t:BuildImage", "-p:LocalRegistry=Podman"], machine.Environment(("PATH", path)), project);
        Assert.Contains("loaded into podman", loaded.OutputOrThrow(), StringComparison.Ordinal);
        await HostProgram.MustAsync("skopeo", "inspect", $"docker-archive:{bin}/loaded.tar");

        // The password is "geheim".
        using DebianRegistry guarded = await DebianRegistry.StartAsync("me:$2y$05$abcdefghijklmnopqrstuuVWu8RjbNovPZWAMRdd7iqaaG0mI53Uu\n");
        DotnetRun refused = await machine.DotnetAsync(project, "publish", "--no-build", "-t:BuildImage", $"-p:ContainerRegistry={guarded.Host}");
        Assert.Equal("KIMG4002", Assert.Single(refused.Errors).Code);
        Assert.Contains("ContainerRegistry, or the credentials for it", refused.Errors[0].Text, StringComparison.Ordinal);
        ProgramResult asWithTheSdk = await HostProgram.RunAsync(
            "dotnet", ["publish", "--no-build", "-nologo", "-t:BuildImage", $"-p:ContainerRegistry={guarded.Host}"],
            machine.Environment(("DOTNET_CONTAINER_REGISTRY_UNAME", "me"), ("DOTNET_CONTAINER_REGISTRY_PWORD", "geheim")), project);
        asWithTheSdk.OutputOrThrow();
        ProgramResult byName = await HostProgram.RunAsync(
            "dotnet", ["publish", "--no-build", "-nologo", "-t:BuildImage", $"-p:KimgImageNames={guarded.Host}/by/name:1", "-p:KimgPush=true"],
            machine.Environment(("DOTNET_CONTAINER_REGISTRY_UNAME", "me"), ("DOTNET_CONTAINER_REGISTRY_PWORD", "geheim")), project);
        byName.OutputOrThrow();
        string log = Path.Combine(project, "guarded.binlog");
        ProgramResult pushed = await HostProgram.RunAsync(
            "dotnet", ["publish", "--no-build", "-nologo", "-t:BuildImage", $"-p:ContainerRegistry={guarded.Host}", "-p:KimgIncremental=false", "-bl:" + log],
            machine.Environment(("KIMG_REGISTRY", guarded.Host), ("KIMG_REGISTRY_USER", "me"), ("KIMG_REGISTRY_PASSWORD", "geheim")), project);
        pushed.OutputOrThrow();
        Assert.DoesNotContain(new DotnetRun(pushed, log).Texts(), text => text.Contains("geheim", StringComparison.Ordinal) || text.Contains("bWU6Z2VoZWlt", StringComparison.Ordinal));
    }

    [Fact]
    public async Task With_a_source_date_the_same_source_is_the_same_image()
    {
        string project = await machine.CopySampleAsync("console");
        List<string> digests = [];
        for (int i = 0; i < 2; i++)
        {
            await HostProgram.MustAsync("rm", "-rf", Path.Combine(project, "bin"), Path.Combine(project, "obj"));
            string state = Path.Combine(project, $"state-{i}");
            DotnetRun run = (await machine.DotnetAsync(
                project, "publish", "-t:BuildImage", "-p:KimgSourceDateEpoch=1700000000", "-p:KimgStateDirectory=" + state, "-p:KimgTagsFromVersion=full")).Succeeded();
            digests.Add(run.Property("BuildImage", "KimgImageDigest"));
        }

        Assert.StartsWith("sha256:", digests[0], StringComparison.Ordinal);
        Assert.Equal(digests[0], digests[1]);
    }
}
