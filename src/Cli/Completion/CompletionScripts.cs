using Kimg.Cli.CommandLine;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Completion;

internal static class CompletionScripts
{
    public static readonly string[] Shells = ["bash", "zsh", "fish"];

    public static string Render(string shell, IReadOnlyList<Verb> verbs) => shell switch
    {
        "bash" => BashCompletion.Render(verbs),
        "zsh" => ZshCompletion.Render(verbs),
        "fish" => FishCompletion.Render(verbs),
        _ => throw new KimgException(ErrorCode.InvalidArgument, $"no completion for the shell '{shell}'")
        {
            Hint = DidYouMean.Hint(shell, Shells, "there is"),
        },
    };
}
