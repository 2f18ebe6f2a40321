using System.Text;
using Kimg.Cli.Progress;

namespace Kimg.Cli.Tests.Progress;

/// <summary>As much of a terminal as the tty view uses; anything else is a failure of the test.</summary>
internal sealed class Screen(int width, int height)
{
    private readonly List<StringBuilder> _rows = [new()];
    private int _row, _column, _width = width, _top;

    public bool CursorVisible { get; private set; } = true;

    public bool Wrapped { get; private set; }

    /// <summary>Rows have left at the top since the last look.</summary>
    public bool Scrolled
    {
        get
        {
            bool scrolled = _rows.Count - height > _top;
            _top = Math.Max(_top, _rows.Count - height);
            return scrolled;
        }
    }

    public string Everything => string.Join('\n', _rows.Select(r => r.ToString().TrimEnd()));

    public void Write(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '\u001b':
                    i = Sequence(text, i);
                    break;
                case '\r':
                    _column = 0;
                    break;
                case '\n':
                    (_row, _column) = (_row + 1, 0);
                    if (_row == _rows.Count) _rows.Add(new());
                    break;
                case < ' ':
                    throw new InvalidOperationException($"control character {(int)text[i]:x}");
                default:
                    Rune rune = Rune.GetRuneAt(text, i);
                    Put(rune);
                    i += rune.Utf16SequenceLength - 1;
                    break;
            }
        }
    }

    /// <summary>Lines longer than the new width become several rows, as terminals do.</summary>
    public void Resize(int newWidth)
    {
        var rows = new List<StringBuilder>();
        foreach (StringBuilder row in _rows)
        {
            string text = row.ToString();
            for (int i = 0; i == 0 || i < text.Length; i += newWidth) rows.Add(new(text[i..Math.Min(text.Length, i + newWidth)]));
        }

        _rows.Clear();
        _rows.AddRange(rows);
        (_width, _row) = (newWidth, _rows.Count - 1);
    }

    private void Put(Rune rune)
    {
        int columns = DisplayWidth.Of(rune);
        if (_column + columns > _width) Wrapped = true;
        StringBuilder row = _rows[_row];
        while (row.Length < _column) row.Append(' ');
        string text = rune.ToString().PadRight(columns);
        row.Remove(_column, Math.Min(text.Length, row.Length - _column)).Insert(_column, text);
        _column += columns;
    }

    private int Sequence(string text, int escape)
    {
        int end = escape + 2;
        while (!char.IsAsciiLetter(text[end])) end++;
        string sequence = text[(escape + 1)..(end + 1)];
        switch (sequence)
        {
            case "[K":
                _rows[_row].Length = Math.Min(_rows[_row].Length, _column);
                break;
            case "[J":
                _rows[_row].Length = Math.Min(_rows[_row].Length, _column);
                _rows.RemoveRange(_row + 1, _rows.Count - _row - 1);
                break;
            case "[?25l" or "[?25h":
                CursorVisible = sequence[^1] == 'h';
                break;
            case [.., 'm']:
                break;
            case ['[', .., 'A']:
                _row = Math.Max(Math.Max(0, _rows.Count - height), _row - int.Parse(sequence[1..^1], System.Globalization.CultureInfo.InvariantCulture));
                break;
            default:
                throw new InvalidOperationException($"sequence {sequence}");
        }

        return end;
    }
}
