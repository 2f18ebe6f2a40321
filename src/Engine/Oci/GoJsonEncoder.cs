using System.Text;
using System.Text.Encodings.Web;

namespace Kimg.Engine.Oci;

/// <summary>Escapes strings as Go's encoding/json does: short escapes, <c>\u00xx</c> in lower case for other control characters and for
/// <c>&lt; &gt; &amp;</c>, U+2028 and U+2029; everything else stays as it is.</summary>
internal sealed class GoJsonEncoder : JavaScriptEncoder
{
    public override int MaxOutputCharactersPerInputCharacter => 6;

    public override bool WillEncode(int unicodeScalar) => unicodeScalar is < 0x20 or '"' or '\\' or '<' or '>' or '&' or 0x2028 or 0x2029;

    public override unsafe int FindFirstCharacterToEncode(char* text, int textLength)
    {
        for (int i = 0; i < textLength; i++)
        {
            if (char.IsSurrogate(text[i]))
            {
                // A lone surrogate is not Unicode: it becomes U+FFFD.
                if (i + 1 == textLength || !char.IsSurrogatePair(text[i], text[i + 1])) return i;
                i++;
            }
            else if (WillEncode(text[i])) return i;
        }

        return -1;
    }

    public override unsafe bool TryEncodeUnicodeScalar(int unicodeScalar, char* buffer, int bufferLength, out int numberOfCharactersWritten)
    {
        string escaped = unicodeScalar switch
        {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\b' => "\\b",
            '\f' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            _ when WillEncode(unicodeScalar) => $"\\u{unicodeScalar:x4}",
            _ => new Rune(unicodeScalar).ToString(),
        };
        numberOfCharactersWritten = escaped.Length;
        return escaped.AsSpan().TryCopyTo(new Span<char>(buffer, bufferLength)) || (numberOfCharactersWritten = 0) != 0;
    }
}
