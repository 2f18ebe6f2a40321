using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Build.Worker;

/// <summary>Paths as a memory file: each its bytes and a zero byte.</summary>
internal static class PathList
{
    private const int MaxSize = 256 << 20;

    internal static SafeFileHandle Write(IEnumerable<ImagePath> paths)
    {
        var bytes = new List<byte>();
        foreach (ImagePath path in paths)
        {
            bytes.AddRange(PathText.Encode(path.Value));
            bytes.Add(0);
        }

        return Descriptors.Memory("kimg-paths", System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes));
    }

    internal static List<ImagePath> Read(SafeFileHandle memory)
    {
        ReadOnlySpan<byte> bytes = Descriptors.ReadAll(memory, MaxSize);
        var paths = new List<ImagePath>();
        while (bytes.IndexOf((byte)0) is var end and >= 0)
        {
            paths.Add(ImagePath.Normalize(PathText.Decode(bytes[..end])));
            bytes = bytes[(end + 1)..];
        }

        return paths;
    }
}
