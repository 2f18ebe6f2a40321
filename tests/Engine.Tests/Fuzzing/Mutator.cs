namespace Kimg.Engine.Tests.Fuzzing;

/// <summary>Makes new inputs of old ones: bits, bytes, words of the format, pieces left out, doubled, or taken from another input.</summary>
internal sealed class Mutator(Random random, IReadOnlyList<byte[]> words)
{
    private const int MaxSize = 64 << 10;

    public byte[] Mutate(byte[] input, byte[] other)
    {
        List<byte> bytes = [.. input];
        for (int i = random.Next(1, 9); i > 0; i--) Change(bytes, other);
        if (bytes.Count > MaxSize) bytes.RemoveRange(MaxSize, bytes.Count - MaxSize);
        return [.. bytes];
    }

    private void Change(List<byte> bytes, byte[] other)
    {
        int at = random.Next(bytes.Count + 1), length = Math.Min(random.Next(1, 64), bytes.Count - at);
        switch (random.Next(9))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes.RemoveRange(at, length);
                break;
            case 3:
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            case 4 when other.Length > 0:
                int from = random.Next(other.Length);
                bytes.InsertRange(at, other.AsSpan(from, Math.Min(random.Next(1, 256), other.Length - from)).ToArray());
                break;
            case 5:
                // Deep nesting and long runs are what breaks parsers.
                byte[] word = words.Count > 0 ? words[random.Next(words.Count)] : [(byte)random.Next(256)];
                for (int i = 1 << random.Next(12); i > 0 && bytes.Count < MaxSize; i--) bytes.InsertRange(at, word);
                break;
            case 6:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            default:
                if (words.Count > 0) bytes.InsertRange(at, words[random.Next(words.Count)]);
                break;
        }
    }
}
