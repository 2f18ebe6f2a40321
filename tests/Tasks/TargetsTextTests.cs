using System.Text.RegularExpressions;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary>What the targets files may say so that every MSBuild can read them: Visual Studio's evaluates property functions in .NET Framework.</summary>
public sealed partial class TargetsTextTests
{
    // Members of .NET Framework 4.7.2, with as many arguments as it has. [MSBuild]:: is MSBuild's own and the same everywhere.
    private static readonly string[] s_known = ["System.IO.Path::GetDirectoryName/1", "System.DateTime::UtcNow/0"];

    [Fact]
    public void Property_functions_are_those_that_the_net_framework_has()
    {
        string[] files = [.. new[] { "src/Tasks/build", "src/Tasks/buildMultiTargeting", "src/Tool" }.SelectMany(folder => Directory.GetFiles(RepositoryFiles.Path(folder), "*.targets"))];
        Assert.True(files.Length >= 5, string.Join('\n', files));
        string[] used = [.. files.SelectMany(file => FunctionsOf(File.ReadAllText(file))).Distinct()];
        Assert.Contains("System.IO.Path::GetDirectoryName/1", used);
        Assert.Empty(used.Except(s_known));
    }

    [Fact]
    public void The_two_argument_form_of_a_path_is_seen() =>
        Assert.Equal(["System.IO.Path::GetFullPath/2"], FunctionsOf("<A>$([System.IO.Path]::GetFullPath('$(B)', '$(C)'))</A>"));

    private static IEnumerable<string> FunctionsOf(string text) =>
        Function().Matches(text).Select(call => $"{call.Groups[1].Value}::{call.Groups[2].Value}/{Argument().Count(call.Groups[3].Value)}");

    [GeneratedRegex(@"\[(System\.[\w.]+)\]::(\w+)(?:\(((?:'[^']*'(?:,\s*)?)*)\))?")]
    private static partial Regex Function();

    [GeneratedRegex("'[^']*'")]
    private static partial Regex Argument();
}
