using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>Which frontend a Dockerfile asks for. Every release of docker/dockerfile means the built-in one.</summary>
internal static class FrontendSelection
{
    /// <exception cref="KimgException">UnsupportedFrontend.</exception>
    public static void Check(string dockerfile, string fileName, IReadOnlyDictionary<string, string> buildArgs)
    {
        if (buildArgs.TryGetValue(SpecialArguments.Syntax, out string? given))
        {
            if (given is not ("" or "dockerfile.v0") && !IsBuiltIn(given)) throw Unsupported(given, null);
            return;
        }

        if (ParserDirective.DetectSyntax(dockerfile) is not { } directive) return;
        string name = directive.Value.Split(' ')[0];
        if (IsBuiltIn(name)) return;
        var whole = new SourceSpan(fileName, directive.Line, 1, directive.Line, 1) { Source = new SourceText(dockerfile) };
        throw Unsupported(name, SourceSpans.Locate(whole, name));
    }

    private static bool IsBuiltIn(string name) =>
        ImageReference.TryParse(name, out ImageReference? reference) && reference!.Registry == ImageReference.DockerHub
        && reference.Repository is "docker/dockerfile" or "docker/dockerfile-upstream";

    private static KimgException Unsupported(string name, SourceSpan? span) => new(ErrorCode.UnsupportedFrontend, $"the frontend '{name}' is not supported")
    {
        Hint = "remove the syntax directive, or use docker/dockerfile:1; frontends that are images are not run", Span = span,
    };
}
