using System.Buffers;
using System.Text;

namespace Kimg.Engine.Primitives;

/// <summary>Linux file names are bytes; in kimg they are strings in which every byte that is not part of valid UTF-8 stands as the lone
/// surrogate U+DC00 + byte (Python's "surrogateescape", PEP 383). Encoding gives the same bytes back.</summary>
public static class PathText
{
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes)) return Encoding.UTF8.GetString(bytes);
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out Rune rune, out int used) == OperationStatus.Done)
            {
                text.Append(rune.ToString());
                bytes = bytes[used..];
            }
            else
            {
                text.Append((char)(0xDC00 + bytes[0]));
                bytes = bytes[1..];
            }
        }

        return text.ToString();
    }

    public static byte[] Encode(string text)
    {
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        return bytes[..Encode(text, bytes)];
    }

    /// <summary>Writes the bytes of <paramref name="text"/>; the buffer must hold three bytes a character. Returns how many were written.</summary>
    public static int Encode(ReadOnlySpan<char> text, Span<byte> buffer)
    {
        int written = 0;
        while (!text.IsEmpty)
        {
            if (text[0] is >= '\uDC80' and <= '\uDCFF')
            {
                buffer[written++] = (byte)(text[0] - 0xDC00);
                text = text[1..];
            }
            else
            {
                Rune.DecodeFromUtf16(text, out Rune rune, out int used);
                written += rune.EncodeToUtf8(buffer[written..]);
                text = text[used..];
            }
        }

        return written;
    }

    /// <summary>Order of paths: part by part, each part by its bytes; so "a" &lt; "a/b" &lt; "a.b" although '.' sorts before '/'.</summary>
    public static int Compare(string left, string right)
    {
        int common = Math.Min(left.Length, right.Length);
        int i = left.AsSpan(0, common).CommonPrefixLength(right.AsSpan(0, common));
        if (i == common) return left.Length.CompareTo(right.Length);
        char a = left[i], b = right[i];
        if (a == '/') return -1;
        if (b == '/') return 1;
        return Rank(a) - Rank(b);
    }

    // UTF-16 order is UTF-8 byte order except that surrogate pairs (four-byte sequences, lead byte F0+) sort after U+E000…U+FFFF.
    // An escaped byte sorts among the lead bytes where it belongs; which side of which rune it falls is only made consistent here.
    private static int Rank(char c) => c switch
    {
        >= '\uE000' => c - 0x1000,
        >= '\uD800' => c + 0x10000,
        _ => c,
    };
}
