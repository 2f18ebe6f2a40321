using Kimg.Cli.CommandLine;
using Kimg.Cli.Tests.Surroundings;
using Kimg.Cli.Verbs;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Cli.Tests.CommandLine;

public sealed class DocumentationTests
{
    private static string ErrorPages => Path.Combine(Golden.Repository(), "docs/errors");

    [Fact]
    public void The_reference_is_what_the_tables_say() => Golden.Matches("docs/cli.md", MarkdownHelp.Render(Catalog.All));

    [Fact]
    public void Help_is_what_the_tables_say() => Golden.Matches("tests/Cli.Tests/testdata/help/build.txt", HelpText.For(BuildVerb.Create()));

    [Fact]
    public void The_overview_lists_every_verb() => Golden.Matches("tests/Cli.Tests/testdata/help/overview.txt", HelpText.Overview(Catalog.All));

    [Fact]
    public void Every_error_code_has_a_page_and_every_page_a_code()
    {
        string[] codes = [.. Enum.GetValues<ErrorCode>().Select(c => c.Name())];
        string[] pages = [.. Directory.GetFiles(ErrorPages, "KIMG*.md").Select(p => Path.GetFileNameWithoutExtension(p)!)];
        Assert.Equal(codes.Order(StringComparer.Ordinal), pages.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_page_says_what_why_and_what_to_do()
    {
        foreach (ErrorCode code in Enum.GetValues<ErrorCode>())
        {
            string page = HelpVerb.ErrorPage(code.Name());
            Assert.StartsWith($"# {code.Name()}: ", page, StringComparison.Ordinal);
            foreach (string part in new[] { "**What.** ", "**Why.** ", "**What to do.** " }) Assert.Contains(part, page, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_list_of_codes_is_complete() => Golden.Matches(
        "docs/errors/README.md",
        MarkdownHelp.ErrorIndex(code => File.ReadLines(Path.Combine(ErrorPages, code.Name() + ".md")).First().Split(": ", 2)[1]));

    [Fact]
    public void No_two_options_of_a_verb_have_the_same_letter_or_name()
    {
        foreach (Verb verb in Catalog.All)
        {
            OptionRow[] rows = [.. verb.Options, .. GlobalOptions.All];
            Assert.Equal(rows.Length, rows.DistinctBy(r => r.Name).Count());
            Assert.Equal(rows.Count(r => r.Short is not null), rows.Where(r => r.Short is not null).DistinctBy(r => r.Short).Count());
        }
    }
}
