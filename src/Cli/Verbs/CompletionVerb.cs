using Kimg.Cli.CommandLine;
using Kimg.Cli.Completion;

namespace Kimg.Cli.Verbs;

internal static class CompletionVerb
{
    public static Verb Create() => new()
    {
        Name = "completion",
        Summary = "Print a completion script for bash, zsh or fish",
        Positionals = "SHELL",
        MinPositionals = 1,
        MaxPositionals = 1,
        Details = "For bash: source <(kimg completion bash)",
        Run = (arguments, host, _) =>
        {
            host.Write(CompletionScripts.Render(arguments.Positionals[0], [.. Catalog.All]));
            return Task.FromResult(0);
        },
    };
}
