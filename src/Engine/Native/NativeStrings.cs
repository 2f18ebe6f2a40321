using System.Runtime.InteropServices;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Native;

/// <summary>A null-terminated array of C strings outside the managed heap, as argv and envp are.</summary>
internal sealed unsafe class NativeStrings : IDisposable
{
    private readonly int _count;

    internal NativeStrings(IReadOnlyList<string> texts)
    {
        _count = texts.Count;
        Pointer = (byte**)NativeMemory.AllocZeroed((nuint)(_count + 1), (nuint)sizeof(byte*));
        for (int i = 0; i < _count; i++)
        {
            byte[] bytes = PathText.Encode(texts[i]);
            Pointer[i] = (byte*)NativeMemory.AllocZeroed((nuint)bytes.Length + 1);
            bytes.CopyTo(new Span<byte>(Pointer[i], bytes.Length));
        }
    }

    internal byte** Pointer { get; private set; }

    public void Dispose()
    {
        if (Pointer is null) return;
        for (int i = 0; i < _count; i++) NativeMemory.Free(Pointer[i]);
        NativeMemory.Free(Pointer);
        Pointer = null;
    }
}
