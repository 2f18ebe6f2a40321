using System.Text.RegularExpressions;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Conformance;

public sealed partial class ReferenceTableTests
{
    [Fact]
    public void Every_case_and_test_that_the_tables_name_exists()
    {
        List<string> missing = [], seen = [];
        string sources = string.Concat(
            Directory.GetFiles(RepositoryFiles.Path("tests"), "*Tests.cs", SearchOption.AllDirectories).Select(File.ReadAllText));
        foreach (string line in File.ReadLines(RepositoryFiles.Path("docs/dockerfile.md")).Where(line => line.StartsWith('|')))
        {
            string[] cells = line.Split('|');
            foreach (Match name in Name().Matches(string.Join('|', cells[2..])))
            {
                string path = name.Groups[1].Value;
                seen.Add(path);
                if (!Directory.Exists(RepositoryFiles.Path($"{BuildCase.Folder}/{path}")) && !Directory.Exists(RepositoryFiles.Path($"tests/vectors/dockerfile/{path}")))
                    missing.Add(path);
            }

            foreach (Match name in TestName().Matches(cells[^2]))
            {
                seen.Add(name.Groups[1].Value);
                if (!Regex.IsMatch(sources, $@"(class|Task|void) {name.Groups[1].Value}\b")) missing.Add(name.Groups[1].Value);
            }
        }

        Assert.Empty(missing);
        Assert.True(seen.Count > 300, "the tables of docs/dockerfile.md were not found");
    }

    [Fact]
    public void Every_theme_of_cases_is_in_the_table()
    {
        string table = File.ReadAllText(RepositoryFiles.Path("docs/dockerfile.md"));
        string[] themes = [.. Directory.GetDirectories(RepositoryFiles.Path(BuildCase.Folder)).Select(path => $"`{Path.GetFileName(path)}/")];
        Assert.All(themes, theme => Assert.Contains(theme, table, StringComparison.Ordinal));
    }

    [GeneratedRegex("`([a-z0-9-]+/[A-Za-z0-9-]+)`")]
    private static partial Regex Name();

    [GeneratedRegex("`([A-Z][a-z]+_\\w+|[A-Z]\\w+Tests)`")]
    private static partial Regex TestName();
}
