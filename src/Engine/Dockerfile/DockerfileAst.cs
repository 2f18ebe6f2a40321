using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>A Dockerfile cut into instructions; nothing is expanded or checked yet.</summary>
internal sealed record DockerfileAst(string FileName, SourceText Source, char Escape, ImmutableArray<DockerfileNode> Nodes)
{
    /// <summary>Last lines of the instructions that have an empty line among their continuation lines.</summary>
    public ImmutableArray<int> EmptyContinuations { get; init; } = [];

    public ImmutableArray<ParserDirective> Directives { get; init; } = [];
}

/// <summary>One instruction: keyword, flags and the words its own grammar finds. ONBUILD's words are those of its trigger, its keyword first.</summary>
internal sealed record DockerfileNode(string Keyword, string Original, ImmutableArray<string> Flags, ImmutableArray<string> Args, SourceSpan Span)
{
    /// <summary>The arguments were a JSON array of strings.</summary>
    public bool IsJson { get; init; }

    public ImmutableArray<Heredoc> Heredocs { get; init; } = [];

    /// <summary>The comment lines directly above, without <c>#</c> and blanks around.</summary>
    public ImmutableArray<string> Comments { get; init; } = [];

    /// <summary>The instruction of an ONBUILD.</summary>
    public DockerfileNode? Trigger { get; init; }

    /// <summary>Where a word of this instruction stands, or the whole instruction when it is not found as written.</summary>
    public SourceSpan SpanOf(string word) => SourceSpans.Locate(Span, word);
}

/// <summary>A here-document. <see cref="Content"/> keeps line ends and, though <see cref="Chomp"/> (<c>&lt;&lt;-</c>) is set, leading tabs.</summary>
internal sealed record Heredoc(string Name, int FileDescriptor, bool Expand, bool Chomp, string Content)
{
    /// <summary>The content without the tabs that start its lines, when <see cref="Chomp"/> asks for that.</summary>
    public string ChompedContent => Chomp ? RemoveLeadingTabs(Content) : Content;

    private static string RemoveLeadingTabs(string text)
    {
        var result = new System.Text.StringBuilder(text.Length);
        bool lineStart = true;
        foreach (char c in text)
        {
            if (lineStart && c == '\t') continue;
            lineStart = c == '\n';
            result.Append(c);
        }

        return result.ToString();
    }
}
