using System.Globalization;
using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>Expands variables and quotes in a word, and splits a text into words, as a shell would. One instance serves one thread.</summary>
internal sealed class WordExpander(char escape, IVariables variables, LoweringBudget budget)
{
    private const int MaxDepth = 200;

    private readonly StringBuilder _word = new();
    private readonly List<string> _words = [];
    private string _text = "";
    private int _at, _depth;
    private bool _inWord, _rawEscapes;

    /// <summary>Quotes stay in the result.</summary>
    public bool RawQuotes { get; init; }

    /// <summary>Escape characters stay in the result.</summary>
    public bool RawEscapes { get; init; }

    /// <summary>Quotes are ordinary characters.</summary>
    public bool IgnoreQuotes { get; init; }

    /// <summary>References to variables that are not set stay as they are.</summary>
    public bool KeepUnset { get; init; }

    /// <summary>Where errors point.</summary>
    public SourceSpan? Span { get; init; }

    /// <summary>Variables the last call referred to that were set.</summary>
    public HashSet<string> Matched { get; } = [];

    /// <summary>Variables the last call referred to that were not set.</summary>
    public HashSet<string> Unmatched { get; } = [];

    /// <exception cref="KimgException">InvalidExpansion.</exception>
    public string Expand(string word)
    {
        if (!NeedsWork(word)) return word;
        Start(word);
        try
        {
            string result = Run('\0', RawEscapes, top: false);
            budget.TakeCharacters(result.Length, Span);
            return result;
        }
        catch (KimgException error) when (error.Code == ErrorCode.InvalidExpansion && error.Span is null && Span is not null)
        {
            throw new KimgException(error.Code, error.Message, error) { Hint = error.Hint, Span = Span };
        }
    }

    /// <summary>The words after expansion; blanks in quotes do not split.</summary>
    /// <exception cref="KimgException">InvalidExpansion.</exception>
    public List<string> Split(string text)
    {
        Start(text);
        budget.TakeCharacters(Run('\0', RawEscapes, top: true).Length, Span);
        EndWord();
        return [.. _words];
    }

    /// <summary>As <see cref="Split"/>; no words when the text cannot be expanded.</summary>
    public List<string> TrySplit(string text)
    {
        try
        {
            return Split(text);
        }
        catch (KimgException error) when (error.Code == ErrorCode.InvalidExpansion)
        {
            return [];
        }
    }

    private bool NeedsWork(string word)
    {
        Matched.Clear();
        Unmatched.Clear();
        return word.AsSpan().IndexOfAny(['$', '\'', '"', escape]) >= 0;
    }

    private void Start(string text)
    {
        (_text, _at, _depth, _inWord, _rawEscapes) = (text, 0, 0, false, RawEscapes);
        _word.Clear();
        _words.Clear();
        Matched.Clear();
        Unmatched.Clear();
    }

    private string Run(char stop, bool rawEscapes, bool top)
    {
        if (++_depth > MaxDepth) throw Error("variable references are nested too deeply");
        bool outerRaw = _rawEscapes;
        _rawEscapes = rawEscapes;
        // Quirk of the reference: the word behind a modifier drops what the split word had so far, so EXPOSE 80${X:-90} is port 90.
        _word.Clear();
        var result = new StringBuilder();
        while (_at < _text.Length)
        {
            char c = _text[_at];
            if (stop != '\0' && c == stop)
            {
                _at++;
                (_rawEscapes, _depth) = (outerRaw, _depth - 1);
                return result.ToString();
            }

            if (c == '$') Add(result, Dollar(), top, split: true);
            else if (c == '\'' && !IgnoreQuotes) Add(result, SingleQuoted(), top, split: false);
            else if (c == '"' && !IgnoreQuotes) Add(result, DoubleQuoted(), top, split: false);
            else if (c == '<') Add(result, Redirection(), top, split: false);
            else if (c == escape)
            {
                _at++;
                if (_rawEscapes) Add(result, c.ToString(), top, split: false);
                if (_at == _text.Length) break;
                Add(result, NextRune(), top, split: false);
            }
            else
            {
                Add(result, NextRune(), top, split: true);
            }

            budget.CheckWord(result.Length, Span);
        }

        if (stop != '\0') throw Error($"'{stop}' is missing");
        (_rawEscapes, _depth) = (outerRaw, _depth - 1);
        return result.ToString();
    }

    private void Add(StringBuilder result, string text, bool top, bool split)
    {
        result.Append(text);
        if (!top) return;
        if (!split)
        {
            _word.Append(text);
            _inWord = true;
            return;
        }

        foreach (char c in text)
        {
            if (!char.IsWhiteSpace(c))
            {
                _word.Append(c);
                _inWord = true;
            }
            else if (_inWord && _word.Length > 0)
            {
                EndWord();
            }
        }
    }

    private void EndWord()
    {
        if (_word.Length == 0) return;
        _words.Add(_word.ToString());
        _word.Clear();
        _inWord = false;
    }

    // A surrogate pair is one character to escape and to keep whole.
    private string NextRune()
    {
        int length = char.IsHighSurrogate(_text[_at]) && _at + 1 < _text.Length && char.IsLowSurrogate(_text[_at + 1]) ? 2 : 1;
        string rune = _text.Substring(_at, length);
        _at += length;
        return rune;
    }

    private string SingleQuoted()
    {
        int end = _text.IndexOf('\'', _at + 1);
        if (end < 0) throw Error("the closing ' is missing");
        string inner = RawQuotes ? _text[_at..(end + 1)] : _text[(_at + 1)..end];
        _at = end + 1;
        return inner;
    }

    private string DoubleQuoted()
    {
        var result = new StringBuilder();
        if (RawQuotes) result.Append('"');
        _at++;
        while (true)
        {
            if (_at == _text.Length) throw Error("the closing \" is missing");
            char c = _text[_at];
            if (c == '"')
            {
                _at++;
                return (RawQuotes ? result.Append('"') : result).ToString();
            }

            if (c == '$')
            {
                result.Append(Dollar());
                continue;
            }

            _at++;
            if (c == escape)
            {
                if (_rawEscapes) result.Append(c);
                if (_at == _text.Length) continue;
                if (_text[_at] is var next && (next == '"' || next == '$' || next == escape))
                {
                    c = next;
                    _at++;
                }
            }

            result.Append(c);
            budget.CheckWord(result.Length, Span);
        }
    }

    // "<< EOF" is one word when the text is split, so that the blank does not hide a here-document.
    private string Redirection()
    {
        int start = _at++;
        if (_at == _text.Length || _text[_at] != '<') return "<";
        do _at++;
        while (_at < _text.Length && _text[_at] is ' ' or '\t' or '\r');
        return _text[start.._at];
    }

    private string Dollar()
    {
        _at++;
        if (_at == _text.Length || _text[_at] != '{')
        {
            string bare = Name();
            if (bare.Length == 0) return "$";
            string? found = Lookup(bare);
            return found ?? (KeepUnset ? "$" + bare : "");
        }

        _at++;
        if (_at == _text.Length) throw Error("'}' is missing");
        if (_text[_at] is '{' or '}' or ':') throw Error($"bad substitution '{Excerpt(_text[(_at - 2)..])}'");
        string name = Name();
        if (_at == _text.Length) throw Error("'}' is missing");
        char modifier = _text[_at++];
        if (modifier == '}') return Lookup(name) ?? (KeepUnset ? "${" + name + "}" : "");
        if (modifier == '/') return Replaced(name);
        bool emptyIsUnset = modifier == ':';
        if (emptyIsUnset)
        {
            if (_at == _text.Length) throw Error("'}' is missing");
            modifier = _text[_at++];
        }

        string spelled = (emptyIsUnset ? ":" : "") + modifier;
        if (modifier is not ('-' or '+' or '?' or '#' or '%') || (emptyIsUnset && modifier is '#' or '%'))
            throw Error($"unsupported modifier '{spelled}' in '${{{name}{spelled}…}}'", "the modifiers are :- - :+ + :? ? # ## % %% / and //");
        string word = Run('}', rawEscapes: modifier is '#' or '%', top: false);
        string? value = Lookup(name);
        if (value is null && KeepUnset) return "${" + name + spelled + word + "}";
        bool missing = value is null || (emptyIsUnset && value.Length == 0);
        return modifier switch
        {
            '-' => missing ? word : value!,
            '+' => missing ? "" : word,
            '?' when missing => throw Error($"{name}: {(word.Length > 0 ? word : value is null ? "is not allowed to be unset" : "is not allowed to be empty")}"),
            '?' => value!,
            _ => Trimmed(modifier, word, value ?? ""),
        };
    }

    private string Trimmed(char modifier, string word, string value)
    {
        bool greedy = word.Length > 0 && word[0] == modifier;
        if (greedy) word = word[1..];
        return modifier == '#'
            ? ShellPattern.Parse(word, budget, Span).RemovePrefix(value, greedy)
            : ShellPattern.Parse(ShellPattern.Reverse(word), budget, Span).RemoveSuffix(value, greedy);
    }

    private string Replaced(string name)
    {
        bool all = _at < _text.Length && _text[_at] == '/';
        if (all) _at++;
        string pattern = Run('/', rawEscapes: true, top: false), replacement = Run('}', rawEscapes: true, top: false);
        string? value = Lookup(name);
        if (value is null && KeepUnset) return "${" + name + "/" + pattern + "/" + replacement + "}";
        ShellPattern matcher = ShellPattern.Parse(pattern, budget, Span);
        return all ? matcher.ReplaceAll(value ?? "", replacement) : matcher.ReplaceFirst(value ?? "", replacement);
    }

    /// <summary>A name: letters, digits and underscores; a number; or one of the shell's special parameters. Empty when there is none.</summary>
    private string Name()
    {
        int start = _at;
        if (_at < _text.Length && IsDigit(_at))
        {
            while (_at < _text.Length && IsDigit(_at)) _at++;
            return _text[start.._at];
        }

        if (_at < _text.Length && _text[_at] is '@' or '*' or '#' or '?' or '-' or '$' or '!') return _text[_at++].ToString();
        while (_at < _text.Length && (_text[_at] == '_' || IsLetter(_at) || IsDigit(_at)))
            _at += char.IsHighSurrogate(_text[_at]) ? 2 : 1;
        return _text[start.._at];
    }

    private bool IsLetter(int at) => CharUnicodeInfo.GetUnicodeCategory(_text, at) <= UnicodeCategory.OtherLetter;

    private bool IsDigit(int at) => CharUnicodeInfo.GetUnicodeCategory(_text, at) == UnicodeCategory.DecimalDigitNumber && !char.IsSurrogate(_text[at]);

    private string? Lookup(string name)
    {
        string? value = variables.Get(name);
        (value is null ? Unmatched : Matched).Add(name);
        return value;
    }

    private KimgException Error(string message, string? hint = null) => new(ErrorCode.InvalidExpansion, $"cannot expand '{Excerpt(_text)}': {message}")
    {
        Hint = hint ?? "check its quotes, braces and variables", Span = Span,
    };

    private static string Excerpt(string text)
    {
        int end = text.AsSpan().IndexOfAny('\r', '\n');
        if (end < 0) end = text.Length;
        return end <= 80 && end == text.Length ? text : text[..Math.Min(end, 80)] + "…";
    }
}
