using System.Security.Cryptography;
using System.Text;

namespace Kimg.Engine.Primitives;

/// <summary>A password, token or key. Prints as <c>***</c> wherever it ends up by mistake; the value leaves only through
/// <see cref="Reveal"/> or <see cref="Bytes"/>, so a search for those two names finds every use.</summary>
public sealed class Secret : IEquatable<Secret>, IDisposable
{
    private readonly byte[] _bytes;

    public Secret(ReadOnlySpan<byte> bytes) => _bytes = bytes.ToArray();

    public Secret(string text) => _bytes = Encoding.UTF8.GetBytes(text);

    public bool IsEmpty => _bytes.Length == 0;

    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The value as UTF-8 text.</summary>
    public string Reveal() => Encoding.UTF8.GetString(_bytes);

    public bool Equals(Secret? other) => other is not null && CryptographicOperations.FixedTimeEquals(_bytes, other._bytes);

    public override bool Equals(object? obj) => Equals(obj as Secret);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(_bytes);
        return hash.ToHashCode();
    }

    public override string ToString() => "***";

    /// <summary>Overwrites the value.</summary>
    public void Dispose() => CryptographicOperations.ZeroMemory(_bytes);
}
