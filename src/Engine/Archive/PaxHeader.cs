using System.Globalization;
using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Archive;

/// <summary>Records of extended headers. A later record replaces an earlier one; an empty value takes the record away.</summary>
internal sealed class PaxHeader
{
    /// <summary>Global headers add up over a whole archive; more than this is no real archive.</summary>
    private const int MaxTotalSize = 4 * TarFormat.MaxSpecialSize;

    private readonly Dictionary<string, byte[]> _records = new(StringComparer.Ordinal);
    private int _size;

    /// <summary>Offsets and lengths of sparse format 0.0, which repeats its keys.</summary>
    internal List<long> Sparse00 { get; } = [];

    internal IEnumerable<KeyValuePair<string, byte[]>> Records => _records;

    internal byte[]? this[string key] => _records.GetValueOrDefault(key);

    internal void Add(ReadOnlySpan<byte> data, long offset)
    {
        _size += data.Length;
        if (_size > MaxTotalSize) throw TarFormat.Unsafe(offset, "too many extended headers");
        while (!data.IsEmpty)
        {
            int space = data[..Math.Min(data.Length, 12)].IndexOf((byte)' ');
            if (space < 1 || !int.TryParse(data[..space], NumberStyles.None, CultureInfo.InvariantCulture, out int length)
                || length <= space + 2 || length > data.Length || data[length - 1] != '\n')
                throw TarFormat.Damaged(offset, "a record of an extended header has a wrong length");
            ReadOnlySpan<byte> record = data[(space + 1)..(length - 1)];
            int equals = record.IndexOf((byte)'=');
            if (equals < 1) throw TarFormat.Damaged(offset, "a record of an extended header has no key");
            Set(PathText.Decode(record[..equals]), record[(equals + 1)..], offset);
            data = data[length..];
        }
    }

    /// <summary>A record that is a number: decimal, for times with a fraction, which is rounded down.</summary>
    internal long? Number(string key, long offset)
    {
        if (this[key] is not { } bytes) return null;
        string text = Encoding.Latin1.GetString(bytes);
        int point = text.IndexOf('.');
        string whole = point < 0 ? text : text[..point], fraction = point < 0 ? "" : text[(point + 1)..];
        if (!long.TryParse(whole is "" or "-" ? whole + "0" : whole, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            || fraction.AsSpan().ContainsAnyExceptInRange('0', '9') || (fraction.Length > 0 && key != "mtime"))
            throw TarFormat.Damaged(offset, $"the record '{key}' is not a number");
        bool down = text.StartsWith('-') && fraction.AsSpan().ContainsAnyExcept('0') && value > long.MinValue;
        return down ? value - 1 : value;
    }

    private void Set(string key, ReadOnlySpan<byte> value, long offset)
    {
        if (key is "GNU.sparse.offset" or "GNU.sparse.numbytes")
        {
            if (Sparse00.Count % 2 != (key == "GNU.sparse.offset" ? 0 : 1)
                || !long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
                throw TarFormat.Damaged(offset, "bad sparse map");
            Sparse00.Add(number);
        }
        else if (value.IsEmpty)
        {
            _records[key] = [];
        }
        else
        {
            if (key is "path" or "linkpath" or "GNU.sparse.name" && value.Contains((byte)0))
                throw TarFormat.Unsafe(offset, $"a zero byte in the record '{key}'");
            _records[key] = value.ToArray();
        }
    }
}
