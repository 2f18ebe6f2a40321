using System.Xml.Linq;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Microsoft.Build.Framework;
using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary>Errors and findings link to their pages, which an IDE opens. Binary logs do not keep links, so the tasks are run here, with the real binary.</summary>
public sealed class HelpLinkTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void An_error_of_a_dockerfile_links_to_its_page_and_has_a_column()
    {
        TaskEngine engine = Check("FROM scratch\nCOPY --frob=1 a /\n");
        BuildErrorEventArgs error = Assert.Single(engine.Errors);
        Assert.Equal(("KIMG2004", 2, 6), (error.Code, error.LineNumber, error.ColumnNumber));
        Assert.Equal("https://github.com/kimg/kimg/blob/main/docs/errors/KIMG2004.md", error.HelpLink);
    }

    [Fact]
    public void A_finding_links_to_the_page_of_its_rule_and_has_a_column()
    {
        TaskEngine engine = Check("FROM scratch AS Upper\nCOPY Dockerfile /\nCMD echo no\n");
        BuildWarningEventArgs warning = Assert.Single(engine.Warnings, w => w.Code == "JSONArgsRecommended");
        Assert.Equal((3, 1), (warning.LineNumber, warning.ColumnNumber));
        Assert.Equal("https://docs.docker.com/go/dockerfile/rule/json-args-recommended/", warning.HelpLink);
    }

    [Fact]
    public void An_error_of_the_project_links_to_its_page()
    {
        var engine = new TaskEngine();
        using var task = new PrepareImage { BuildEngine = engine, ProjectFile = _directory["App.csproj"], ToolsDirectory = _directory.Path, Mode = "Magic" };
        Assert.False(task.Execute());
        Assert.EndsWith("/docs/errors/KIMG1101.md", Assert.Single(engine.Errors).HelpLink, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_code_has_the_page_it_is_linked_to()
    {
        foreach (string code in Enum.GetValues<ErrorCode>().Select(code => code.Name()))
            Assert.True(File.Exists(RepositoryFiles.Path("docs/errors/" + HelpLinks.Of(code)!.Split('/')[^1])), code);
        Assert.Null(HelpLinks.Of("StageNameCasing"));
        Assert.Null(HelpLinks.Of("KIMG"));
    }

    [Theory]
    [InlineData("build")]
    [InlineData("buildMultiTargeting")]
    public void Errors_of_the_targets_themselves_link_to_the_same_pages(string folder)
    {
        XElement[] errors = [.. XDocument.Load(RepositoryFiles.Path($"src/Tasks/{folder}/BuildImage.targets")).Descendants("Error")];
        Assert.NotEmpty(errors);
        Assert.All(errors, error => Assert.Equal(HelpLinks.Of(error.Attribute("Code")!.Value), error.Attribute("HelpLink")?.Value));
    }

    private TaskEngine Check(string dockerfile)
    {
        File.WriteAllText(_directory["Dockerfile"], dockerfile);
        var engine = new TaskEngine();
        using var task = new CheckDockerfile
        {
            BuildEngine = engine, ProjectFile = _directory["App.csproj"], ToolsDirectory = _directory.Path, KimgBinary = RepositoryFiles.Kimg,
            StateDirectory = _directory["state"], Dockerfile = _directory["Dockerfile"], Context = _directory.Path,
        };
        task.Execute();
        return engine;
    }
}
