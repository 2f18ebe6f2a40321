using System.Text.RegularExpressions;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Conformance;

public sealed partial class ReferenceTableTests
{
    [Fact]
    public void Every_case_that_the_table_names_exists()
    {
        List<string> missing = [], seen = [];
        foreach (string line in File.ReadLines(RepositoryFiles.Path("docs/dockerfile.md")))
        {
            string[] cells = line.Split('|');
            if (cells.Length != 5) continue;
            foreach ((string cell, string folder) in new[] { (cells[2], BuildCase.Folder), (cells[3], "tests/vectors/dockerfile") })
            {
                foreach (Match name in Name().Matches(cell))
                {
                    string path = $"{folder}/{name.Groups[1].Value}";
                    seen.Add(path);
                    if (!Directory.Exists(RepositoryFiles.Path(path))) missing.Add(path);
                }
            }
        }

        Assert.Empty(missing);
        Assert.True(seen.Count > 100, "the table of docs/dockerfile.md was not found");
    }

    [Fact]
    public void Every_theme_of_cases_is_in_the_table()
    {
        string table = File.ReadAllText(RepositoryFiles.Path("docs/dockerfile.md"));
        string[] themes = [.. Directory.GetDirectories(RepositoryFiles.Path(BuildCase.Folder)).Select(path => $"`{Path.GetFileName(path)}/")];
        Assert.All(themes, theme => Assert.Contains(theme, table, StringComparison.Ordinal));
    }

    [GeneratedRegex("`([a-z0-9-]+/[a-z0-9-]+)`")]
    private static partial Regex Name();
}
