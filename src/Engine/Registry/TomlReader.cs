using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>Reads as much of TOML 1.0 as registries.conf is written in: tables, arrays of tables, comments, strings of one line, booleans, numbers, and arrays of
/// these. Whatever else is an error with its line.</summary>
internal sealed class TomlReader
{
    private readonly string _text, _file;
    private int _at;
    private int _line = 1;

    private TomlReader(string text, string file) => (_text, _file) = (text, file);

    internal static List<TomlTable> Read(string text, string file) => new TomlReader(text, file).Read();

    private List<TomlTable> Read()
    {
        var tables = new List<TomlTable> { new("", false, _file, 1) };
        while (true)
        {
            SkipBlank();
            if (_at == _text.Length) return tables;
            if (Peek() == '[')
            {
                tables.Add(Header());
            }
            else
            {
                int line = _line;
                string key = Key();
                Expect('=');
                SkipSpace();
                tables[^1].Add(key, Value(), line);
            }

            EndLine();
        }
    }

    private TomlTable Header()
    {
        int line = _line;
        _at++;
        bool array = Take('[');
        string name = Key();
        Expect(']');
        if (array && !Take(']')) throw Wrong("']]' is missing");
        return new TomlTable(name, array, _file, line);
    }

    /// <summary>Bare or quoted, dotted.</summary>
    private string Key()
    {
        var key = new StringBuilder();
        do
        {
            SkipSpace();
            if (key.Length > 0) key.Append('.');
            if (Peek() is '"' or '\'')
            {
                key.Append(Quoted());
            }
            else
            {
                int start = _at;
                while (Peek() is '-' or '_' || char.IsAsciiLetterOrDigit(Peek())) _at++;
                if (_at == start) throw Wrong("a name is expected");
                key.Append(_text, start, _at - start);
            }

            SkipSpace();
        }
        while (Take('.'));
        return key.ToString();
    }

    private object? Value()
    {
        switch (Peek())
        {
            case '"' or '\'':
                return Quoted();
            case '[':
                _at++;
                for (SkipBlank(); !Take(']'); SkipBlank())
                {
                    Value();
                    SkipBlank();
                    if (!Take(',') && Peek() != ']') throw Wrong("',' or ']' is expected");
                }

                return null;
            default:
                int start = _at;
                while (Peek() is '-' or '+' or '.' or '_' or ':' || char.IsAsciiLetterOrDigit(Peek())) _at++;
                string word = _text[start.._at];
                return word switch
                {
                    "true" => true,
                    "false" => false,
                    { Length: > 0 } when char.IsAsciiDigit(word[0]) || word[0] is '-' or '+' => null,
                    _ => throw Wrong("a value is expected: text in quotes, true or false"),
                };
        }
    }

    private string Quoted()
    {
        char quote = _text[_at++];
        var text = new StringBuilder();
        while (true)
        {
            char c = Peek();
            if (c is '\0' or '\n') throw Wrong("the closing quote is missing");
            _at++;
            if (c == quote) break;
            text.Append(c == '\\' && quote == '"' ? Escaped() : c);
        }

        if (text.Length == 0 && Peek() == quote) throw Wrong("text of several lines is not supported");
        return text.ToString();
    }

    private char Escaped()
    {
        char c = Peek();
        _at++;
        return c switch { '"' => '"', '\\' => '\\', 't' => '\t', _ => throw Wrong($"the escape '\\{c}' is not supported") };
    }

    private void EndLine()
    {
        SkipSpace();
        if (Peek() == '#') SkipComment();
        if (Peek() is not ('\n' or '\0')) throw Wrong("the line does not end where it should");
    }

    private void SkipBlank()
    {
        while (true)
        {
            SkipSpace();
            if (Peek() == '#') SkipComment();
            if (!Take('\n')) return;
            _line++;
        }
    }

    private void SkipComment()
    {
        while (Peek() is not ('\n' or '\0')) _at++;
    }

    private void SkipSpace()
    {
        while (Peek() is ' ' or '\t' or '\r') _at++;
    }

    private void Expect(char c)
    {
        SkipSpace();
        if (!Take(c)) throw Wrong($"'{c}' is missing");
    }

    private bool Take(char c)
    {
        if (Peek() != c) return false;
        _at++;
        return true;
    }

    private char Peek() => _at < _text.Length ? _text[_at] : '\0';

    private KimgException Wrong(string problem) => TomlTable.Invalid(_file, _line, problem, "see containers-registries.conf(5)");
}
