namespace Kimg.Engine.Native;

/// <summary>A decompressor of a native library, fed piece by piece.</summary>
internal interface IBlockDecoder : IDisposable
{
    /// <summary>Decodes some of the input into the output.</summary>
    /// <param name="inputEnded">Nothing follows <paramref name="input"/>.</param>
    /// <returns>Bytes used and bytes made, and whether the data may end here.</returns>
    /// <exception cref="InvalidDataException">Damaged data.</exception>
    /// <exception cref="Primitives.KimgException">UnsafeArchive: more memory wanted than is allowed.</exception>
    (int Consumed, int Produced, bool Complete) Decode(ReadOnlySpan<byte> input, Span<byte> output, bool inputEnded);
}
