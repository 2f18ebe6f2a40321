using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Kimg.Tasks;

/// <summary>A digest over everything that decides what an image is. Every part has its length before it, so that none can pass for another.</summary>
internal sealed class Fingerprint : IDisposable
{
    // Raised when the same inputs would give another image.
    private const int FormatVersion = 1;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public Fingerprint() => Add(FormatVersion);

    public void Add(string? text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text ?? "");
        Add(bytes.Length);
        _hash.AppendData(bytes);
    }

    public void Add(IEnumerable<string> texts)
    {
        string[] all = [.. texts];
        Add(all.Length);
        foreach (string text in all) Add(text);
    }

    public string Finish() => Convert.ToHexStringLower(_hash.GetHashAndReset());

    public void Dispose() => _hash.Dispose();

    public void Add(long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        _hash.AppendData(bytes);
    }
}
