using System.Text.RegularExpressions;
using Xunit;

namespace Kimg.Architecture;

/// <summary>The table in docs/architecture.md is the law; this is its enforcement.</summary>
public sealed partial class LayeringTests
{
    [Fact]
    public void A_folder_uses_only_the_folders_that_its_row_names()
    {
        Dictionary<string, string[]> table = Table();
        List<string> offences = [];
        foreach (string file in Repository.Files("src/Engine", ".cs"))
        {
            string folder = file.Split('/')[2];
            if (!table.TryGetValue(folder, out string[]? allowed))
                continue;
            foreach ((string used, int line) in Uses(file))
            {
                if (used != folder && !allowed.Contains(used))
                    offences.Add($"{file}:{line}: {folder} uses {used}");
            }
        }

        Rule.Holds(offences);
    }

    [Fact]
    public void Every_folder_of_the_engine_has_a_row() =>
        Rule.Holds(Repository.EngineFolders().Except(Table().Keys));

    [Fact]
    public void A_row_names_only_rows_above_it()
    {
        List<string> above = [];
        foreach ((string folder, string[] uses) in Table())
        {
            Rule.Holds(uses.Except(above));
            above.Add(folder);
        }
    }

    [Fact]
    public void A_file_is_in_the_namespace_of_its_folder()
    {
        List<string> offences = [];
        foreach (string file in Repository.Files("src/Engine", ".cs"))
        {
            string expected = "namespace Kimg.Engine." + Path.GetDirectoryName(file)!["src/Engine/".Length..].Replace('/', '.') + ";";
            if (!Repository.Lines(file).Contains(expected))
                offences.Add($"{file}: no '{expected}'");
        }

        Rule.Holds(offences);
    }

    [Theory]
    [InlineData("src/Engine/Kimg.Engine.csproj", "")]
    [InlineData("src/Action/Kimg.Action.csproj", "Engine")]
    [InlineData("src/Tasks/Kimg.Tasks.csproj", "Engine")]
    [InlineData("src/Cli/Kimg.Cli.csproj", "Engine Action")]
    [InlineData("src/Tool/Kimg.Tool.csproj", "")]
    public void A_project_references_only_what_is_below_it(string project, string allowed)
    {
        string[] references = [.. ProjectReference().Matches(Repository.Read(project)).Select(m => m.Groups[1].Value)];
        Rule.Holds(references.Except(allowed.Split(' ')));
    }

    private static Dictionary<string, string[]> Table()
    {
        Dictionary<string, string[]> table = [];
        foreach (string line in Repository.Lines("docs/architecture.md").SkipWhile(l => !l.StartsWith("| folder |", StringComparison.Ordinal)).Skip(2))
        {
            string[] cells = line.Split('|', StringSplitOptions.TrimEntries);
            if (cells.Length < 5)
                break;
            table[cells[1]] = cells[3] switch
            {
                "–" => [],
                "all" => [.. table.Keys],
                string uses => uses.Split(", "),
            };
        }

        Assert.NotEmpty(table);
        return table;
    }

    private static IEnumerable<(string Folder, int Line)> Uses(string file) =>
        SourceText.Code(file).SelectMany((line, i) => line.StartsWith("namespace ", StringComparison.Ordinal)
            ? []
            : EngineName().Matches(line).Select(m => (m.Groups[1].Value, i + 1)));

    [GeneratedRegex(@"\bKimg\.Engine\.(\w+)")]
    private static partial Regex EngineName();

    [GeneratedRegex(@"<ProjectReference Include=""\.\./(\w+)/")]
    private static partial Regex ProjectReference();
}
