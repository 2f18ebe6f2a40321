using System.Security.Cryptography;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Content;

/// <summary>A digest being computed, in the algorithm that the expected digest names.</summary>
internal sealed class ContentHash : IDisposable
{
    private readonly string _algorithm;
    private readonly IncrementalHash _hash;

    public ContentHash(string algorithm = "sha256")
    {
        _algorithm = algorithm;
        _hash = IncrementalHash.CreateHash(algorithm == "sha512" ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256);
    }

    public void Append(ReadOnlySpan<byte> bytes) => _hash.AppendData(bytes);

    /// <summary>The digest of all that was appended; the next bytes begin a new one.</summary>
    public Digest Finish()
    {
        Span<byte> hash = stackalloc byte[SHA512.HashSizeInBytes];
        hash = hash[.._hash.GetHashAndReset(hash)];
        return _algorithm == "sha256" ? Digest.FromSha256(hash) : Digest.Parse($"{_algorithm}:{Convert.ToHexStringLower(hash)}");
    }

    /// <summary>The digest of bytes in memory, in the algorithm of <paramref name="like"/>.</summary>
    public static Digest Of(ReadOnlySpan<byte> bytes, Digest like)
    {
        if (like.Algorithm == "sha256") return Digest.Sha256(bytes);
        using var hash = new ContentHash(like.Algorithm);
        hash.Append(bytes);
        return hash.Finish();
    }

    public void Dispose() => _hash.Dispose();
}
