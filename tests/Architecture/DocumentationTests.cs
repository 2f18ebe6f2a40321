using System.Text.RegularExpressions;
using Xunit;

namespace Kimg.Architecture;

public sealed partial class DocumentationTests
{
    [Fact]
    public void Every_link_leads_to_a_file_that_exists()
    {
        List<string> dead = [];
        foreach (string file in Repository.Files("", ".md"))
        {
            string text = CodeBlock().Replace(Repository.Read(file), "");
            foreach (Match link in Link().Matches(text))
            {
                string target = link.Groups[1].Value.Split('#')[0];
                if (target.Length == 0 || target.Contains("://", StringComparison.Ordinal) || target.StartsWith("mailto:", StringComparison.Ordinal))
                    continue;
                if (!Repository.Exists(Path.Combine(Path.GetDirectoryName(file)!, target)))
                    dead.Add($"{file}: {target}");
            }
        }

        Rule.Holds(dead);
    }

    [Fact]
    public void Every_folder_of_the_engine_says_what_it_is_for() =>
        Rule.Holds(
            from folder in Repository.EngineFolders()
            let readme = $"src/Engine/{folder}/README.md"
            let length = Repository.Exists(readme) ? Repository.Lines(readme).Length : 0
            where length is < 5 or > 40
            select $"{readme}: {length} lines");

    [Fact]
    public void Every_decision_is_listed()
    {
        string list = Repository.Read("docs/decisions/README.md");
        Rule.Holds(Repository.Files("docs/decisions", ".md").Select(f => Path.GetFileName(f))
            .Where(name => name != "README.md" && !list.Contains($"({name})", StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_test_project_is_a_part_of_the_test_run()
    {
        string parts = Repository.Read("scripts/parts.sh");
        Rule.Holds(Repository.Files("tests", ".csproj")
            .Where(project => Repository.Read(project).Contains("Microsoft.NET.Test.Sdk", StringComparison.Ordinal))
            .Select(project => Path.GetDirectoryName(project)!)
            .Where(folder => !Regex.IsMatch(parts, $@"\|\s*{Regex.Escape(folder)}\s*\|")));
    }

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        string solution = Repository.Read("Builder.Tasks.sln").Replace('\\', '/');
        Rule.Holds(new[] { "src", "tests", "bench" }.SelectMany(folder => Repository.Files(folder, ".csproj"))
            .Where(project => !solution.Contains($"\"{project}\"", StringComparison.Ordinal)));
    }

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"```.*?```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();
}
