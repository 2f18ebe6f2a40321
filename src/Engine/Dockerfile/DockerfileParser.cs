using System.Collections.Immutable;
using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>Cuts a Dockerfile into instructions: directives, comments, continuation lines, here-documents. Each keyword has its own grammar of
/// words (<see cref="ArgumentParser"/>); unknown keywords are left to <see cref="InstructionBinder"/>.</summary>
internal sealed class DockerfileParser
{
    /// <summary>Longest line in bytes, line break excluded.</summary>
    public const int MaxLine = 65535;

    private readonly string _fileName;
    private readonly SourceText _source;
    private readonly List<ReadOnlyMemory<char>> _lines;
    private readonly DirectiveScanner _scanner = new();
    private readonly ImmutableArray<ParserDirective>.Builder _directives = ImmutableArray.CreateBuilder<ParserDirective>();
    private readonly ImmutableArray<int>.Builder _emptyContinuations = ImmutableArray.CreateBuilder<int>();
    private char _escape = '\\';
    private int _line;

    private DockerfileParser(string fileName, string text)
    {
        _fileName = fileName;
        _source = new SourceText(text);
        _lines = SplitLines(text);
    }

    /// <exception cref="KimgException">DockerfileSyntax, with the line.</exception>
    public static DockerfileAst Parse(ReadOnlySpan<byte> content, string fileName) => Parse(PathText.Decode(content), fileName);

    /// <inheritdoc cref="Parse(ReadOnlySpan{byte}, string)"/>
    public static DockerfileAst Parse(string text, string fileName) =>
        new DockerfileParser(fileName, text.Length > 0 && text[0] == '\uFEFF' ? text[1..] : text).Parse();

    private DockerfileAst Parse()
    {
        var nodes = ImmutableArray.CreateBuilder<DockerfileNode>();
        var comments = ImmutableArray.CreateBuilder<string>();
        while (NextLine() is { } raw)
        {
            ReadOnlyMemory<char> line = raw.TrimEnd("\r\n").TrimStart();
            bool isComment = line.Span.StartsWith("#");
            if (ReadDirective(line.Span)) continue;
            if (isComment)
            {
                string comment = line[1..].Span.Trim().ToString();
                if (comment.Length == 0) comments.Clear();
                else comments.Add(comment);
                continue;
            }

            int start = _line;
            string text = ReadContinued(line);
            if (text.Length == 0 && start == _line) continue;
            int last = _line;
            DockerfileNode node = ArgumentParser.Parse(text, _escape, Span(start, last), [.. comments]);
            ImmutableArray<Heredoc> heredocs = ReadHeredocs(node, text, start);
            nodes.Add(node with { Heredocs = heredocs, Span = Span(start, _line) });
            comments.Clear();
        }

        if (nodes.Count == 0) throw Error("the Dockerfile has no instructions", Math.Max(1, _line), "it needs at least one FROM");
        return new DockerfileAst(_fileName, _source, _escape, nodes.ToImmutable())
        {
            EmptyContinuations = _emptyContinuations.ToImmutable(), Directives = _directives.ToImmutable(),
        };
    }

    /// <summary>The first line and the lines it continues on, continuation characters removed. Comment lines between are dropped; so are empty
    /// ones, with a warning.</summary>
    private string ReadContinued(ReadOnlyMemory<char> first)
    {
        if (!EndsWithContinuation(ref first)) return first.ToString();
        var text = new StringBuilder().Append(first.Span);
        bool hasEmpty = false, continues = true;
        while (continues && NextLine() is { } raw)
        {
            ReadOnlyMemory<char> line = raw.TrimEnd("\r\n");
            ReadOnlySpan<char> trimmed = line.Span.TrimStart();
            if (trimmed.StartsWith("#")) continue;
            if (trimmed.IsEmpty)
            {
                hasEmpty = true;
                continue;
            }

            continues = EndsWithContinuation(ref line);
            text.Append(line.Span);
        }

        if (hasEmpty) _emptyContinuations.Add(_line);
        return text.ToString();
    }

    /// <summary>True when the line ends with the escape character, blanks behind it aside, that no other escape character precedes.</summary>
    private bool EndsWithContinuation(ref ReadOnlyMemory<char> line)
    {
        ReadOnlySpan<char> text = line.Span.TrimEnd(" \t");
        if (text.IsEmpty || text[^1] != _escape || (text.Length > 1 && text[^2] == _escape)) return false;
        line = line[..(text.Length - 1)];
        return true;
    }

    private bool ReadDirective(ReadOnlySpan<char> line)
    {
        ParserDirective? directive = _scanner.Read(line, _line);
        if (_scanner.Repeated is { } name)
            throw Error($"the parser directive '{name}' is given twice", _line, "keep one of them");
        if (directive is null) return false;
        _directives.Add(directive);
        if (directive.Name == ParserDirective.Escape)
        {
            if (directive.Value is not ("\\" or "`"))
                throw Error($"invalid escape character '{directive.Value}'", _line, "it is either \\ or `");
            _escape = directive.Value[0];
        }

        return true;
    }

    private ImmutableArray<Heredoc> ReadHeredocs(DockerfileNode node, string text, int start)
    {
        DockerfileNode carrier = node.Trigger ?? node;
        if (carrier.IsJson || !text.Contains("<<", StringComparison.Ordinal)
            || carrier.Keyword.ToUpperInvariant() is not ("RUN" or "COPY" or "ADD")) return [];
        var heredocs = ImmutableArray.CreateBuilder<Heredoc>();
        foreach (Heredoc heredoc in HeredocWord.FindAll(text))
        {
            var content = new StringBuilder();
            while (true)
            {
                if (NextLine() is not { } line)
                {
                    throw Error($"the here-document '{heredoc.Name}' does not end", start, $"put a line with only '{heredoc.Name}' behind its content");
                }

                ReadOnlySpan<char> candidate = line.Span.TrimEnd("\r\n");
                if (heredoc.Chomp) candidate = candidate.TrimStart('\t');
                if (candidate.SequenceEqual(heredoc.Name)) break;
                content.Append(line.Span);
            }

            heredocs.Add(heredoc with { Content = content.ToString() });
        }

        return heredocs.ToImmutable();
    }

    private ReadOnlyMemory<char>? NextLine()
    {
        if (_line == _lines.Count) return null;
        ReadOnlyMemory<char> line = _lines[_line++];
        if (line.Length > MaxLine / 3 && Encoding.UTF8.GetByteCount(line.TrimEnd('\n').Span) > MaxLine)
            throw Error($"the line is longer than {MaxLine} bytes", _line, "break it with continuation lines, or COPY a file instead");
        return line;
    }

    private static List<ReadOnlyMemory<char>> SplitLines(string text)
    {
        var lines = new List<ReadOnlyMemory<char>>();
        for (int at = 0; at < text.Length;)
        {
            int end = text.IndexOf('\n', at);
            end = end < 0 ? text.Length : end + 1;
            lines.Add(text.AsMemory(at, end - at));
            at = end;
        }

        return lines;
    }

    private SourceSpan Span(int first, int last)
    {
        ReadOnlySpan<char> start = _lines[first - 1].Span;
        return new SourceSpan(_fileName, first, start.Length - start.TrimStart().Length + 1, last, _lines[last - 1].Span.TrimEnd("\r\n").Length)
        {
            Source = _source,
        };
    }

    private KimgException Error(string message, int line, string hint) => new(ErrorCode.DockerfileSyntax, message)
    {
        Hint = hint, Span = line <= _lines.Count ? Span(line, line) : new SourceSpan(_fileName, line, 1, line, 1) { Source = _source },
    };
}
