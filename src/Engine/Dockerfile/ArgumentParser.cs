using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>Splits one instruction into keyword, flags and the words its grammar knows. Words keep their quotes; expansion removes them.</summary>
internal static class ArgumentParser
{
    private static readonly char[] s_blanks = ['\t', '\v', '\f', '\r', ' '];

    public static DockerfileNode Parse(string line, char escape, SourceSpan span, ImmutableArray<string> comments)
    {
        string trimmed = line.Trim();
        int end = trimmed.IndexOfAny(s_blanks);
        string keyword = end < 0 ? trimmed : trimmed[..end];
        ImmutableArray<string> flags = [];
        string rest = "";
        if (end >= 0) (flags, rest) = SplitFlags(trimmed[end..].TrimStart(s_blanks), escape);
        rest = rest.Trim();
        var node = new DockerfileNode(keyword, line, flags, [], span) { Comments = comments };
        return keyword.ToUpperInvariant() switch
        {
            "ADD" or "COPY" or "VOLUME" => JsonOr(node, rest, SplitBlanks),
            "CMD" or "ENTRYPOINT" or "RUN" or "SHELL" => JsonOr(node, rest, Whole),
            "ARG" => node with { Args = Words(rest, escape) },
            "ENV" or "LABEL" => node with { Args = Pairs(node, rest, escape) },
            "EXPOSE" or "FROM" => node with { Args = SplitBlanks(rest) },
            "HEALTHCHECK" => HealthCheck(node, rest),
            "MAINTAINER" or "STOPSIGNAL" or "USER" or "WORKDIR" => node with { Args = Whole(rest) },
            "ONBUILD" => OnBuild(node, rest, escape),
            _ => node,
        };
    }

    private static ImmutableArray<string> Whole(string rest) => rest.Length == 0 ? [] : [rest];

    private static ImmutableArray<string> SplitBlanks(string rest) =>
        rest.Length == 0 ? [] : [.. rest.Split(s_blanks, StringSplitOptions.RemoveEmptyEntries)];

    private static DockerfileNode OnBuild(DockerfileNode node, string rest, char escape)
    {
        // A chain of ONBUILDs is refused later; cutting it here keeps the recursion at one level.
        if (rest.Length == 0) return node;
        if (rest.StartsWith("ONBUILD", StringComparison.OrdinalIgnoreCase) && (rest.Length == 7 || s_blanks.Contains(rest[7])))
            return node with { Args = ["ONBUILD"] };
        DockerfileNode trigger = Parse(rest, escape, node.Span, []);
        return node with { Trigger = trigger, Args = [trigger.Keyword, .. trigger.Args] };
    }

    private static DockerfileNode HealthCheck(DockerfileNode node, string rest)
    {
        int end = rest.AsSpan().IndexOfAny([.. s_blanks, '\n', '\u0085', '\u00A0']);
        if (rest.Length == 0) return node;
        if (end < 0) return node with { Args = [rest] };
        DockerfileNode command = JsonOr(node, rest[end..].TrimStart(), Whole);
        return command with { Args = [rest[..end], .. command.Args] };
    }

    private static DockerfileNode JsonOr(DockerfileNode node, string rest, Func<string, ImmutableArray<string>> otherwise) =>
        Json(node, rest) is { } words ? node with { Args = words, IsJson = true } : node with { Args = otherwise(rest) };

    /// <summary>The elements of a JSON array of strings; null when the text is no JSON array.</summary>
    private static ImmutableArray<string>? Json(DockerfileNode node, string rest)
    {
        if (!rest.StartsWith('[')) return null;
        var words = ImmutableArray.CreateBuilder<string>();
        bool onlyStrings = true;
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(rest), new JsonReaderOptions { MaxDepth = 1000 });
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.String && reader.CurrentDepth == 1) words.Add(reader.GetString()!);
                else if (reader.CurrentDepth > 0) onlyStrings = false;
            }
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            return null;
        }

        if (onlyStrings) return words.ToImmutable();
        throw new KimgException(ErrorCode.DockerfileSyntax, $"the JSON form of {node.Keyword.ToUpperInvariant()} holds something other than strings")
        {
            Hint = "write every element in double quotes: [\"executable\", \"argument\"]", Span = node.Span,
        };
    }

    /// <summary>Name, value, separator ("=" or "") for each pair.</summary>
    private static ImmutableArray<string> Pairs(DockerfileNode node, string rest, char escape)
    {
        ImmutableArray<string> words = Words(rest, escape);
        if (words.IsEmpty) return [];
        string keyword = node.Keyword.ToUpperInvariant();
        if (!words[0].Contains('='))
        {
            int blank = rest.IndexOfAny(s_blanks);
            return blank < 0
                ? throw Invalid($"{keyword} must have two arguments", $"write {keyword} name=value", node.Span)
                : [rest[..blank], rest[blank..].TrimStart(s_blanks), ""];
        }

        var triples = ImmutableArray.CreateBuilder<string>(words.Length * 3);
        foreach (string word in words)
        {
            int equals = word.IndexOf('=');
            if (equals < 0)
            {
                throw Invalid($"cannot find = in '{word}' of {keyword}", "each word must be name=value; quote values that contain blanks",
                    node.SpanOf(word));
            }

            triples.AddRange(word[..equals], word[(equals + 1)..], "=");
        }

        return triples.ToImmutable();
    }

    private static KimgException Invalid(string message, string hint, SourceSpan span) =>
        new(ErrorCode.DockerfileSyntax, message) { Hint = hint, Span = span };

    /// <summary>Words separated by blanks that are not quoted or escaped; quotes and escapes stay.</summary>
    internal static ImmutableArray<string> Words(string text, char escape)
    {
        var words = ImmutableArray.CreateBuilder<string>();
        var word = new StringBuilder();
        char quote = '\0';
        bool any = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (quote == '\0' && char.IsWhiteSpace(c))
            {
                if (any || word.Length > 0) words.Add(word.ToString());
                word.Clear();
                any = false;
                continue;
            }

            if (c == escape && quote != '\'')
            {
                if (i + 1 == text.Length) break;
                word.Append(c).Append(text[++i]);
                continue;
            }

            if (quote == '\0' && c is '\'' or '"')
            {
                quote = c;
                any = true;
            }
            else if (c == quote)
            {
                quote = '\0';
            }

            word.Append(c);
        }

        if (any || word.Length > 0) words.Add(word.ToString());
        return words.ToImmutable();
    }

    /// <summary>The words at the start that begin with <c>--</c>, quotes and escapes resolved; a lone <c>--</c> ends them and is dropped.</summary>
    private static (ImmutableArray<string> Flags, string Remainder) SplitFlags(string text, char escape)
    {
        var flags = ImmutableArray.CreateBuilder<string>();
        int at = 0;
        while (true)
        {
            while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
            if (at == text.Length) return (flags.ToImmutable(), "");
            if (!text.AsSpan(at).StartsWith("--")) return (flags.ToImmutable(), text[at..]);
            var word = new StringBuilder();
            char quote = '\0';
            for (; at < text.Length && (quote != '\0' || !char.IsWhiteSpace(text[at])); at++)
            {
                char c = text[at];
                if (quote == '\0' && c is '\'' or '"') quote = c;
                else if (quote != '\0' && c == quote) quote = '\0';
                else if (c != escape) word.Append(c);
                else if (at + 1 < text.Length) word.Append(text[++at]);
            }

            string flag = word.ToString();
            if (flag == "--") return (flags.ToImmutable(), text[at..]);
            flags.Add(flag);
        }
    }
}
