using Kimg.TestKit;

namespace Kimg.Fleets;

/// <summary>A block marked <c>yaml</c> in a document, for people to copy.</summary>
internal sealed record YamlBlock(string Document, string Text)
{
    public static readonly string[] Documents =
        ["docs/ci.md", "docs/kubernetes.md", "docs/migrating.md", "gitlab-ci-templates/README.md", "circleci-orb/README.md"];

    public static IEnumerable<YamlBlock> All => Documents.SelectMany(document => File.ReadAllText(RepositoryFiles.Path(document)).Split("```yaml\n").Skip(1)
        .Select(part => new YamlBlock(document, part[..part.IndexOf("```", StringComparison.Ordinal)])));

    /// <summary>The only one that holds this.</summary>
    public static string With(string part) => All.Single(block => block.Text.Contains(part, StringComparison.Ordinal)).Text;

    public static string Indented(string text, int blanks) => string.Concat(text.TrimEnd('\n').Split('\n').Select(line => new string(' ', blanks) + line + "\n"));
}
