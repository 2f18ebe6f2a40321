using System.Text;
using Kimg.TestKit;

namespace Kimg.Docs;

/// <summary>A block of shell commands shown in a document.</summary>
/// <param name="Line">Where it begins, counted from 1.</param>
internal sealed record ShellBlock(string Document, int Line, string Script)
{
    /// <summary>The blocks marked <c>sh</c> of one document, in their order.</summary>
    public static IEnumerable<ShellBlock> Of(string document)
    {
        string[] lines = File.ReadAllLines(RepositoryFiles.Path(document));
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i] != "```sh") continue;
            int begin = i + 1;
            StringBuilder script = new();
            while (lines[++i] != "```") script.Append(lines[i]).Append('\n');
            // About the package that only tests/Tasks has: run there.
            if (script.ToString().Contains("dotnet add package Kimg.Tasks", StringComparison.Ordinal)) continue;
            yield return new ShellBlock(document, begin, script.ToString());
        }
    }

    /// <summary>Made from the command line's tables; about packages that only tests/Tasks has: run there.</summary>
    private static readonly string[] s_elsewhere = ["docs/cli.md", "docs/msbuild.md", "docs/dotnet-tool.md"];

    /// <summary>README.md and the documents that people write.</summary>
    public static IEnumerable<string> Documents() =>
        Directory.EnumerateFiles(RepositoryFiles.Path("docs"), "*.md").Select(file => "docs/" + Path.GetFileName(file))
            .Where(name => !s_elsewhere.Contains(name)).Prepend("README.md").Order(StringComparer.Ordinal);
}
