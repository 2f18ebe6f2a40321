using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary>A project with several frameworks that references the package: what its outer build knows afterwards is what a single one's does.</summary>
[Collection(nameof(DotnetMachine))]
public sealed class OuterBuildTests(DotnetMachine machine)
{
    private static readonly string[] s_properties =
    [
        "KimgImageId", "KimgImageDigest", "KimgImageName", "KimgMetadataFile", "KimgUpToDate", "KimgPushed", "KimgInspection", "ContainerBaseImageDigest",
        "GeneratedContainerDigest", "GeneratedContainerMediaType", "GeneratedContainerManifest", "GeneratedContainerConfiguration", "GeneratedImageIndex",
    ];

    [Fact]
    public async Task All_outputs_come_out_of_the_framework_that_was_chosen()
    {
        string project = Path.Combine(Path.GetDirectoryName(await machine.CopySampleAsync("console"))!, "several"), name = $"{machine.Registry}/several:latest";
        Directory.CreateDirectory(project);
        await File.WriteAllTextAsync(Path.Combine(project, "Several.csproj"), """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType><TargetFramework /><TargetFrameworks>net9.0;net10.0</TargetFrameworks><CheckEolTargetFramework>false</CheckEolTargetFramework>
                <ContainerRepository>several</ContainerRepository>
              </PropertyGroup>
              <ItemGroup><ContainerLabel Include="percent" Value="100%25 %252C" /></ItemGroup>
            </Project>
            """);
        await File.WriteAllTextAsync(Path.Combine(project, "Program.cs"), "System.Console.WriteLine(\"several\");\n");
        JsonNode first = await BuildAsync(project, "PushImage;InspectImage", "-p:KimgPush=false");
        JsonNode properties = first["Properties"]!, items = first["Items"]!;
        string Text(string property) => properties[property]!.GetValue<string>();
        string digest = (await HostProgram.MustAsync("skopeo", "inspect", "--format", "{{.Digest}}", "--tls-verify=false", "docker://" + name)).Trim();
        Assert.Equal((digest, digest, name), (Text("KimgImageDigest"), Text("GeneratedContainerDigest"), Text("KimgImageName")));
        Assert.Equal(("true", "false", ""), (Text("KimgPushed"), Text("KimgUpToDate"), Text("GeneratedImageIndex")));
        Assert.Equal(digest, Sha256(Text("GeneratedContainerManifest")));
        Assert.Equal(Text("KimgImageId"), Sha256(Text("GeneratedContainerConfiguration")));
        Assert.Contains("\"100% %2C\"", Text("GeneratedContainerConfiguration"), StringComparison.Ordinal);
        Assert.Equal(Path.Combine(project, "obj/Release/net10.0/kimg/metadata.json"), Text("KimgMetadataFile"));
        Assert.StartsWith("sha256:", Text("ContainerBaseImageDigest"), StringComparison.Ordinal);
        Assert.Equal(JsonNode.Parse(Text("GeneratedContainerManifest"))!["mediaType"]!.GetValue<string>(), Text("GeneratedContainerMediaType"));
        Assert.Equal(digest, JsonNode.Parse(Text("KimgInspection"))!["digest"]!.GetValue<string>());
        JsonNode generated = Assert.Single(items["GeneratedContainer"]!.AsArray())!;
        Assert.Equal(("GeneratedContainer", digest), (generated["Identity"]!.GetValue<string>(), generated["ManifestDigest"]!.GetValue<string>()));
        Assert.Equal(Text("GeneratedContainerManifest"), generated["Manifest"]!.GetValue<string>());
        Assert.Equal(Text("GeneratedContainerConfiguration"), generated["Configuration"]!.GetValue<string>());
        Assert.Equal([name], items["GeneratedContainerName"]!.AsArray().Select(item => item!["Identity"]!.GetValue<string>()));
        Assert.Equal("true", Assert.Single(items["KimgImage"]!.AsArray())!["Pushed"]!.GetValue<string>());

        // Of what is not made again the outputs are the same.
        JsonNode second = (await BuildAsync(project, "BuildImage;ResolveBaseImage", "-p:KimgPush=false"))["Properties"]!;
        Assert.Equal("true", second["KimgUpToDate"]!.GetValue<string>());
        foreach (string same in new[] { "KimgImageDigest", "KimgImageId", "GeneratedContainerManifest", "GeneratedContainerConfiguration", "ContainerBaseImageDigest" })
            Assert.Equal(Text(same), second[same]!.GetValue<string>());
    }

    private async Task<JsonNode> BuildAsync(string project, string targets, params string[] arguments) => JsonNode.Parse((await machine.RunAsync("dotnet", project,
        [
            "build", "-c", "Release", "-nologo", "-t:" + targets, machine.Push, .. arguments, .. s_properties.Select(name => "-getProperty:" + name),
            "-getItem:GeneratedContainer", "-getItem:GeneratedContainerName", "-getItem:KimgImage",
        ])).OutputOrThrow())!;

    private static string Sha256(string text) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
