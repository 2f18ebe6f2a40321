using System.Security.Cryptography;
using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Solver;

/// <summary>A key under which a result is recorded: hash of a format version, the kind of key, the operation's digest and one digest per input.</summary>
internal static class CacheKey
{
    /// <summary>Raised whenever the same operation on the same inputs would now give something else.</summary>
    public const string FormatVersion = "kimg-cache-1";

    /// <param name="kind">"definition" (inputs by their own keys), "result" (by the ids of their results) or "content" (by what is used of them):
    /// kinds never collide.</param>
    public static Digest Of(string kind, Digest operation, IEnumerable<Digest> inputs)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.ASCII.GetBytes($"{FormatVersion}\n{kind}\n{operation}"));
        foreach (Digest input in inputs) hash.AppendData(Encoding.ASCII.GetBytes("\n" + input));
        return Digest.FromSha256(hash.GetHashAndReset());
    }
}
