using System.Text;
using Kimg.Cli.CommandLine;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Verbs;

/// <summary>Help on a verb, or the page of an error code; the pages of docs/errors are in the binary.</summary>
internal static class HelpVerb
{
    public static Verb Create() => new()
    {
        Name = "help",
        Summary = "Explain a verb or an error code",
        Positionals = "[VERB | KIMGnnnn]",
        MaxPositionals = 2,
        Run = (arguments, host, _) =>
        {
            string topic = string.Join(' ', arguments.Positionals);
            if (topic.Length == 0) host.Write(HelpText.Overview(Catalog.All));
            else if (topic.StartsWith("KIMG", StringComparison.OrdinalIgnoreCase)) host.Write(ErrorPage(topic.ToUpperInvariant()));
            else host.Write(HelpText.For(Catalog.Find([.. arguments.Positionals]).Verb));
            return Task.FromResult(0);
        },
    };

    public static string ErrorPage(string name)
    {
        using Stream? page = typeof(HelpVerb).Assembly.GetManifestResourceStream($"errors/{name}.md");
        if (page is null)
        {
            string? near = Suggestion.Nearest(name, Enum.GetValues<ErrorCode>().Select(c => c.Name()));
            throw new KimgException(ErrorCode.InvalidArgument, $"there is no error code '{name}'")
            {
                Hint = near is null ? "docs/errors lists them" : $"did you mean '{near}'?",
            };
        }

        using var reader = new StreamReader(page, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
