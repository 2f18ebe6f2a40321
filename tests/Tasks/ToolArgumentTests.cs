using System.Text;
using Kimg.Tool;
using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary>What <c>dotnet build-image</c> makes of its command line.</summary>
public sealed class ToolArgumentTests
{
    private static readonly Subject s_project = new("/work/sub/App.csproj", true);

    [Theory]
    [InlineData("--output", "type=oci,dest=one.tar", "type=oci,dest=/work/one.tar")]
    [InlineData("--output", "out", "/work/out")]
    [InlineData("--output", "type=image,push=true", "type=image,push=true")]
    [InlineData("--output", "type=tar,\"dest=a,b.tar\"", "type=tar,\"dest=/work/a,b.tar\"")]
    [InlineData("--secret", "id=x,src=key", "id=x,src=/work/key")]
    [InlineData("--secret", "id=x,env=KEY", "id=x,env=KEY")]
    [InlineData("--secret", "id=x,src=KEY,type=env", "id=x,src=KEY,type=env")]
    [InlineData("--secret", "id=SET", "id=SET")]
    [InlineData("--secret", "id=key", "id=key,src=/work/key")]
    [InlineData("--secret", "id=SET,type=file", "id=SET,type=file,src=/work/SET")]
    [InlineData("--build-context", "assets=../assets", "assets=/assets")]
    [InlineData("--build-context", "base=docker-image://alpine", "base=docker-image://alpine")]
    [InlineData("--build-context", "base=oci-layout://layout:tag", "base=oci-layout:///work/layout:tag")]
    [InlineData("--cache-to", "type=local,dest=cache,mode=max", "type=local,dest=/work/cache,mode=max")]
    [InlineData("--cache-from", "type=local,src=cache", "type=local,src=/work/cache")]
    [InlineData("--cache-from", "reg.example/cache:1", "reg.example/cache:1")]
    [InlineData("--ssh", "default=one,two", "default=/work/one,/work/two")]
    [InlineData("--ssh", "default", "default")]
    [InlineData("--iidfile", "id", "/work/id")]
    [InlineData("--context", "https://example.com/c.tar", "https://example.com/c.tar")]
    [InlineData("--context", "c", "/work/c")]
    [InlineData("--label", "a=b", "a=b")]
    public void Paths_are_relative_to_the_caller(string option, string value, string rooted) =>
        Assert.Equal(rooted, new CallerPaths("/work", name => name == "SET" ? "" : null).Rooted(option[2..], value));

    [Theory]
    [InlineData("--output type=oci,dest=one.tar", "-p:KimgBuildOptions=--output=type=oci%2Cdest=/work/one.tar")]
    [InlineData("--context https://example.com/c.tar", "-p:KimgContext=https://example.com/c.tar")]
    [InlineData("--progress plain", "-tl:off", "-v:normal")]
    [InlineData("--progress=plain -v:m", "-tl:off", "-v:normal", "-v:m")]
    [InlineData("--progress tty --verbosity d", "-tl:on", "-v:d")]
    [InlineData("--progress none", "-v:quiet")]
    [InlineData("--debug", "-v:detailed")]
    [InlineData("--print", "-v:quiet")]
    [InlineData("-tl:off --tl:off -nr:false -warnAsError", "-tl:off", "--tl:off", "-nr:false", "-warnAsError")]
    public void An_option_is_a_property_or_an_argument_of_msbuild(string line, params string[] expected)
    {
        string[] arguments = Of(line);
        Assert.All(expected, argument => Assert.Contains(argument, arguments));
        Assert.Equal(expected.Where(IsLog), arguments.Where(IsLog));

        static bool IsLog(string argument) => argument.StartsWith("-v:", StringComparison.Ordinal) || argument.StartsWith("-tl", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--progress=rawjson", "the progress of a project is MSBuild's")]
    [InlineData("--log-format=json", "a project's log is MSBuild's")]
    [InlineData("--output -", "to standard output is for Dockerfile directories")]
    [InlineData("--output type=tar,dest=-", "to standard output is for Dockerfile directories")]
    public void What_a_projects_build_cannot_do_is_refused(string line, string says) =>
        Assert.Contains(says, Assert.Throws<UsageException>(() => Of(line)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("-t a", "tag")]
    [InlineData("-q", "quiet")]
    [InlineData("--print", "print")]
    [InlineData("--as-file f", "as-file")]
    [InlineData("--metadata-file f", "metadata-file")]
    [InlineData("--iidfile f", "iidfile")]
    [InlineData("-o type=oci,dest=f", "output")]
    [InlineData("--push --no-cache --quiet=false", null)]
    [InlineData("--check -t a", null)]
    public void Some_options_are_about_one_image(string line, string? option) => Assert.Equal(option, SolutionImages.OptionOfOne(CommandLine.Parse(line.Split(' '))));

    [Fact]
    public void A_solution_has_one_image_or_the_option_is_refused()
    {
        var solution = new Subject("/work/Shop.slnx", true);
        Assert.Equal("/work/a b/A.csproj", Single("  Lib: no image, because it is a library.\n  kimg-image:/work/a b/A.csproj\r\n").Path);
        Assert.Contains("no project of Shop.slnx makes one", Assert.Throws<UsageException>(() => Single("")).Message, StringComparison.Ordinal);
        string message = Assert.Throws<UsageException>(() => Single("kimg-image:/work/B.csproj\nkimg-image:/work/A.csproj\n")).Message;
        Assert.Equal("--tag is about one image, and Shop.slnx makes 2 (A, B); name the project", message);

        Subject Single(string output) => SolutionImages.Single(solution, "tag", Encoding.UTF8.GetBytes(output));
    }

    [Fact]
    public void The_projects_of_a_solution_are_listed_under_the_same_properties() => Assert.Equal(
        ["build", "/work/sub/App.csproj", "-nologo", "-t:_KimgListImage", "-v:minimal", "-tl:off", "-c:Debug", "-p:A=1"],
        SolutionImages.Listing(Of("-c Debug -q -bl -p:A=1 --verbosity d")).Where(argument => !argument.Contains("Tool.targets", StringComparison.Ordinal) && argument != "-p:_IsPublishing=true"));

    private static string[] Of(string line) => [.. DotnetArguments.Of(CommandLine.Parse(line.Split(' ')), s_project, "/tool", "/work", "/print")];
}
