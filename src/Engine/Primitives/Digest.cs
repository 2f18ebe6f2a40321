using System.Buffers;
using System.Security.Cryptography;

namespace Kimg.Engine.Primitives;

/// <summary>The identity of a sequence of bytes, <c>algorithm:hex</c> (OCI image-spec, descriptor.md, "Digests").
/// Parsed once at the edge; two digests are equal when algorithm and lower-case hex are.</summary>
public readonly record struct Digest : IComparable<Digest>
{
    private static readonly SearchValues<char> s_lowerHex = SearchValues.Create("0123456789abcdef");

    private Digest(string algorithm, string hex) => (Algorithm, Hex) = (algorithm, hex);

    public string Algorithm { get; }

    public string Hex { get; }

    public static Digest Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out Digest digest)
            ? digest
            : throw new KimgException(ErrorCode.InvalidDigest, $"invalid digest '{text}'")
            {
                Hint = "a digest looks like sha256: followed by 64 lower-case hexadecimal digits",
            };

    /// <summary>Accepts sha256 and sha512 with exactly their number of lower-case hex digits, nothing else.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Digest digest)
    {
        digest = default;
        int colon = text.IndexOf(':');
        if (colon < 0) return false;
        ReadOnlySpan<char> algorithm = text[..colon], hex = text[(colon + 1)..];
        int length = algorithm switch { "sha256" => 64, "sha512" => 128, _ => -1 };
        if (hex.Length != length || hex.ContainsAnyExcept(s_lowerHex)) return false;
        digest = new Digest(length == 64 ? "sha256" : "sha512", hex.ToString());
        return true;
    }

    public static Digest Sha256(ReadOnlySpan<byte> data)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(data, hash);
        return FromSha256(hash);
    }

    public static Digest Sha256(string text) => Sha256(System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>The digest whose 32 hash bytes are given.</summary>
    public static Digest FromSha256(ReadOnlySpan<byte> hash) => new("sha256", Convert.ToHexStringLower(hash));

    public int CompareTo(Digest other) => string.CompareOrdinal(ToString(), other.ToString());

    public static bool operator <(Digest left, Digest right) => left.CompareTo(right) < 0;

    public static bool operator >(Digest left, Digest right) => left.CompareTo(right) > 0;

    public static bool operator <=(Digest left, Digest right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Digest left, Digest right) => left.CompareTo(right) >= 0;

    public override string ToString() => Algorithm is null ? "" : $"{Algorithm}:{Hex}";
}
