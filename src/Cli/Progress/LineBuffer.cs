using System.Text;

namespace Kimg.Cli.Progress;

/// <summary>A step's output cut into lines. Keeps the last ones for the tail and for the summary of a failure; memory is bounded.</summary>
internal sealed class LineBuffer
{
    private const int KeptLines = 50;
    private const int MaxLine = 16 << 10;

    private readonly List<(TimeSpan At, string Text)> _last = [];
    private readonly Decoder _utf8 = Encoding.UTF8.GetDecoder();
    private readonly StringBuilder _open = new();
    private bool _afterReturn;

    /// <summary>The last lines, oldest first, with the time since the vertex started; of a progress bar only its last state.</summary>
    public IReadOnlyCollection<(TimeSpan At, string Text)> Last => _last;

    /// <summary>The last line while it is still being written; empty when there is none.</summary>
    public string Open => _open.Length == 0 ? "" : _open.ToString();

    /// <summary>Takes bytes, gives the lines they complete. A carriage return ends a line too: each state of a progress bar is a line.</summary>
    public List<string> Append(ReadOnlySpan<byte> data, TimeSpan at)
    {
        var chars = new char[Encoding.UTF8.GetMaxCharCount(data.Length)];
        int count = _utf8.GetChars(data, chars, flush: false);
        var lines = new List<string>();
        foreach (char c in chars.AsSpan(0, count))
        {
            if (c is '\n' or '\r')
            {
                // "\r\n" is one end of line; a lone '\r' at the start of a line does nothing.
                bool ends = _open.Length > 0 || (c == '\n' && !_afterReturn);
                if (ends) lines.Add(Complete(at));
                _afterReturn = c == '\r' && (ends || _afterReturn);
                continue;
            }

            if (_afterReturn && _last.Count > 0) _last.RemoveAt(_last.Count - 1);
            _afterReturn = false;
            _open.Append(c);
            if (_open.Length >= MaxLine) lines.Add(Complete(at));
        }

        return lines;
    }

    /// <summary>The last, unfinished line, if there is one.</summary>
    public string? Flush(TimeSpan at) => _open.Length == 0 ? null : Complete(at);

    private string Complete(TimeSpan at)
    {
        string line = _open.ToString();
        _open.Clear();
        if (_last.Count == KeptLines) _last.RemoveAt(0);
        _last.Add((at, line));
        return line;
    }
}
