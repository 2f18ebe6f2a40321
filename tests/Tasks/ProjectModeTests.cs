using System.Text.Json.Nodes;
using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary>Projects without a Dockerfile, published once: what properties do together, and which mistake is told how.</summary>
[Collection(nameof(DotnetMachine))]
public sealed class ProjectModeTests(DotnetMachine machine)
{
    private const string Published = "NoBuild=true;_IsPublishing=true";

    // Properties (';' between them), the code ("" for any of registries'), words of the message.
    private static readonly (string Properties, string Code, string Says)[] s_bad =
    [
        ("ContainerBaseImage={registry}/dotnet/two:latest;KimgPlatforms=linux/amd64%3Blinux/s390x", "KIMG4005", "change ContainerBaseImage, ContainerRuntimeIdentifier or KimgPlatforms of Console.csproj"),
        ("ContainerBaseImage={registry}/dotnet/runtime:10.0;KimgPlatforms=linux/amd64%3Blinux/arm64", "KIMG4005", "ContainerBaseImage: "),
        ("KimgPush=true", "KIMG1101", "ContainerRegistry is not set"),
        ("KimgImageNames=127.0.0.1:1/a:1;KimgPush=true", "KIMG4001", "change KimgImageNames, or the credentials"),
        ("ContainerFamily=nonsense", "", "change ContainerFamily or ContainerBaseImage"),
        ("KimgNoCache=perhaps", "KIMG1101", "KimgNoCache: 'perhaps'"),
        ("KimgPull=perhaps", "KIMG1101", "KimgPull: 'perhaps'"),
        ("KimgIncremental=perhaps", "KIMG1101", "KimgIncremental: 'perhaps'"),
        ("KimgCheckRemote=perhaps", "KIMG1101", "KimgCheckRemote: 'perhaps'"),
        ("KimgPortable=perhaps", "KIMG1101", "KimgPortable: 'perhaps'"),
        ("KimgIsolation=prison", "KIMG1001", "change KimgIsolation of Console.csproj"),
        ("KimgBuildOptions=--frob", "KIMG1001", "change KimgBuildOptions of Console.csproj"),
        ("KimgBuildOptions=--isolation=prison", "KIMG1001", "change KimgBuildOptions of Console.csproj"),
        ("KimgSbom=true", "KIMG1007", "KimgSbom: "),
        ("KimgProvenance=mode=max", "KIMG1007", "KimgProvenance: "),
        ("KimgSign=true", "KIMG1007", "KimgSign: "),
        ("KimgSigningKey=key.pem", "KIMG1007", "KimgSigningKey: "),
        ("KimgAsFile=/proc/none/Dockerfile", "KIMG1101", "KimgAsFile: '/proc/none/Dockerfile' cannot be written"),
        ("KimgMetadataFile=/proc/none/m.json", "KIMG1101", "KimgMetadataFile: '/proc/none/m.json' cannot be written"),
        ("SelfContained=true;RuntimeIdentifier=linux-x64;KimgPlatforms=linux/amd64%3Blinux/arm64", "KIMG1103", "KimgPlatforms: "),
        ("SelfContained=true;RuntimeIdentifier=linux-x64;ContainerRuntimeIdentifier=linux-arm64", "KIMG1103", "ContainerRuntimeIdentifier: "),
    ];

    [Fact]
    public async Task Each_mistake_names_the_property_that_it_is_in()
    {
        string project = await PublishAsync();
        BuildRows rows = await BuildRows.RunAsync(
            machine, project,
            [
                .. s_bad.Select(row => (row.Properties.Replace("{registry}", machine.Registry, StringComparison.Ordinal), "BuildImage")),
                ("ContainerRepository=archived;KimgTagsFromVersion=full", "BuildImage"), ("ContainerRepository=archived;KimgTagsFromVersion=full;ContainerArchiveOutputPath=a.tar", "InspectImage"),
            ],
            Published);
        List<string> wrong = [];
        for (int i = 0; i < s_bad.Length; i++)
        {
            (string properties, string code, string says) = s_bad[i];
            bool anyOfRegistries = code.Length == 0;
            if (rows[i].Errors is not [{ } error] || (anyOfRegistries ? !error.Code.StartsWith("KIMG4", StringComparison.Ordinal) : error.Code != code)
                || !error.Text.Contains(says, StringComparison.Ordinal) || Path.GetFileName(error.File) != "Console.csproj" || error.LineNumber != 0)
                wrong.Add($"{properties}: {string.Join(" | ", rows[i].Errors.Select(e => $"{e.File}({e.LineNumber}) {e.Code} {e.Text}"))}");
        }

        // In the store there is an image of that name, which is not the one in the archive.
        Assert.Empty(rows[s_bad.Length].Errors);
        if (rows[s_bad.Length + 1].Errors is not [{ Code: "KIMG1101" } refused] || !refused.Text.Contains("to inspect", StringComparison.Ordinal)) wrong.Add("InspectImage of an archive");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task What_is_asked_for_is_there_though_nothing_is_built_again()
    {
        string project = await PublishAsync();
        string id = Path.Combine(project, "id");
        BuildRows rows = await BuildRows.RunAsync(
            machine, project,
            [
                "", "KimgMetadataFile=new/m.json", "KimgAsFile=made/Dockerfile;ContainerWorkingDirectory=/work", "", "KimgPull=true;KimgCheckRemote=false", "KimgCheckRemote=false",
                "KimgBuildOptions=--iidfile=id", $"!rm {id}", "KimgBuildOptions=--iidfile=id",
            ],
            $"{Published};ContainerRepository=there;KimgTagsFromVersion=full;ContainerRegistry={machine.Registry}");
        foreach (int i in new[] { 0, 1, 2, 3, 4, 5, 6, 8 }) Assert.Empty(rows[i].Errors);
        Assert.Equal((true, rows[0].Digest), (rows[1].UpToDate, rows[1].Digest));
        JsonNode metadata = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(project, "new/m.json")))!;
        Assert.Equal(rows[0].Digest, metadata["containerimage.digest"]!.GetValue<string>());
        string made = await File.ReadAllTextAsync(Path.Combine(project, "made/Dockerfile"));
        Assert.Contains("WORKDIR /work/\n", made, StringComparison.Ordinal);
        Assert.Contains("ENTRYPOINT [\"dotnet\", \"/work/Console.dll\"]", made, StringComparison.Ordinal);
        // Writing a Dockerfile has changed nothing of the image.
        Assert.True(rows[3].UpToDate);
        Assert.Contains(rows[4].Messages, Asks);
        Assert.DoesNotContain(rows[5].Messages, Asks);
        Assert.True(File.Exists(id));

        static bool Asks(string text) => text.Contains("kimg inspect --digest", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Platforms_win_over_runtime_identifiers_and_tags_of_several_kinds_come_together()
    {
        string project = await PublishAsync();
        BuildRows rows = await BuildRows.RunAsync(
            machine, project,
            [
                "ContainerRuntimeIdentifiers=linux-x64%3Blinux-arm64", "Identifiers=many", "Identifiers=foreign",
                "AutoGenerateImageTag=true;PublishImageTag=given;KimgTagsFromVersion=full",
                "KimgMode=Project;KimgDockerfile=none/Dockerfile;KimgTarget=x;KimgContext=.;KimgPublish=false;WithItems=true;KimgAsFile=unused",
            ],
            $"{Published};KimgIncremental=false;ContainerRepository=together;KimgPlatforms=linux/amd64%3Blinux/arm64;ContainerBaseImage=mcr.microsoft.com/dotnet/two:latest");
        for (int i = 0; i < 3; i++)
        {
            Assert.Empty(rows[i].Errors);
            string[] lines = [.. rows[i].Messages];
            Assert.Contains(lines, text => text.Contains("--platform=linux/arm64", StringComparison.Ordinal));
        }

        Assert.Contains("ENTRYPOINT [\"dotnet\", \"/app/Console.dll\"]", await File.ReadAllTextAsync(Path.Combine(project, "obj/Release/net10.0/kimg/Dockerfile")), StringComparison.Ordinal);
        // A build for both platforms by one publish is one for all these lists.
        Assert.Equal((rows[0].Digest, rows[0].Digest), (rows[1].Digest, rows[2].Digest));
        IEnumerable<string> words = rows[3].Messages.Where(text => text.Contains("kimg build ", StringComparison.Ordinal)).SelectMany(text => text.Split(' '));
        string[] tags = [.. words.Where(word => word.StartsWith("--tag=together:", StringComparison.Ordinal)).Distinct().Order()];
        Assert.Equal(3, tags.Length);
        Assert.Equal(["--tag=together:1.2.3", "--tag=together:given"], tags.Where(tag => !tag.StartsWith("--tag=together:20", StringComparison.Ordinal)));
        string unused = Assert.Single(rows[4].Warnings, w => w.Code == "KIMG1105").Text;
        foreach (string name in new[] { "KimgDockerfile", "KimgContext", "KimgTarget", "KimgBuildArg", "KimgBuildContext", "KimgSecret", "KimgSsh", "KimgPublish" })
            Assert.Contains(name, unused, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_remembered_is_looked_at_again_when_the_base_has_moved_and_when_it_is_damaged()
    {
        string project = await PublishAsync(), name = $"{machine.Registry}/remembered:latest", kept = Path.Combine(project, "obj/Release/net10.0/kimg");
        string Copy(string from) => $"!skopeo copy -q --src-tls-verify=false --dest-tls-verify=false --all docker://{machine.Registry}/{from} docker://{name}";
        const string Both = "KimgPlatforms=linux/amd64%3Blinux/arm64", Settings = "ContainerRepository=remembers;KimgTagsFromVersion=full";
        BuildRows rows = await BuildRows.RunAsync(
            machine, project,
            [
                Copy("dotnet/runtime:10.0"), Both, Copy("dotnet/two:latest"), Both, Both,
                $"!truncate -s 9 {kept}/metadata.json", Both, $"!truncate -s 9 {kept}/image.stamp", Both, $"!truncate -s 99 {kept}/base.json; rm {kept}/image.stamp", Both,
            ],
            $"{Published};{Settings};ContainerBaseImage={name};ContainerRegistry={machine.Registry}");
        // For one platform alone; then there is an index under its name.
        Assert.Equal("KIMG4005", Assert.Single(rows[1].Errors).Code);
        Assert.Empty(rows[3].Errors);
        Assert.Contains(rows[3].Messages, text => text.Contains("kimg inspect --json", StringComparison.Ordinal));
        Assert.True(rows[4].UpToDate);
        foreach (int damaged in new[] { 6, 8, 10 })
        {
            Assert.Empty(rows[damaged].Errors);
            Assert.Equal((false, rows[3].Digest), (rows[damaged].UpToDate, rows[damaged].Digest));
        }
    }

    private async Task<string> PublishAsync()
    {
        string project = await machine.CopySampleAsync("console"), file = Path.Combine(project, "Console.csproj"), text = await File.ReadAllTextAsync(file);
        await File.WriteAllTextAsync(file, text.Replace("</Project>", """
              <PropertyGroup>
                <RuntimeIdentifiers Condition="'$(Identifiers)' == 'many'">win-x64;linux-x64;linux-arm64</RuntimeIdentifiers>
                <RuntimeIdentifiers Condition="'$(Identifiers)' == 'foreign'">win-x64</RuntimeIdentifiers>
              </PropertyGroup>
              <ItemGroup Condition="'$(WithItems)' == 'true'">
                <KimgBuildArg Include="A" Value="1" /><KimgBuildContext Include="b" Value="." /><KimgSecret Include="s" Env="S" /><KimgSsh Include="default" />
              </ItemGroup>
            </Project>
            """, StringComparison.Ordinal));
        (await machine.DotnetAsync(project, "publish")).Succeeded();
        return project;
    }
}
