using System.Runtime.InteropServices;

namespace Kimg.Engine.Native;

/// <summary>Whether the terminal on stdin shows what is typed (termios(3)).</summary>
internal static unsafe partial class TerminalEcho
{
    private const int StandardInput = 0;
    private const int Now = 0; // TCSANOW
    private const int StructSize = 256; // 60 in glibc and in the kernel; larger does no harm
    private const int LocalFlags = 12; // offset of c_lflag, after three flag words
    private const uint Echo = 0x8;
    private const uint EchoNewLine = 0x40;

    /// <summary>Stops showing it until the result is disposed; does nothing where stdin is no terminal.</summary>
    /// <exception cref="Primitives.KimgException">UnsupportedFeature: not on Linux.</exception>
    internal static IDisposable Hide()
    {
        if (!NativeCode.IsUsable)
        {
            throw new Primitives.KimgException(Primitives.ErrorCode.UnsupportedFeature, "a password can be typed on Linux only")
            {
                Hint = "pipe it in with --password-stdin",
            };
        }

        byte[] before = new byte[StructSize];
        fixed (byte* state = before)
        {
            if (tcgetattr(StandardInput, state) != 0) return new Restoring(null);
            byte* hidden = stackalloc byte[StructSize];
            new ReadOnlySpan<byte>(state, StructSize).CopyTo(new Span<byte>(hidden, StructSize));
            uint* flags = (uint*)(hidden + LocalFlags);
            *flags = (*flags & ~Echo) | EchoNewLine;
            return tcsetattr(StandardInput, Now, hidden) == 0 ? new Restoring(before) : throw SyscallException.Last("tcsetattr");
        }
    }

    private sealed class Restoring(byte[]? before) : IDisposable
    {
        public void Dispose()
        {
            if (before is null) return;
            fixed (byte* state = before) _ = tcsetattr(StandardInput, Now, state);
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int tcgetattr(int descriptor, byte* state);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int tcsetattr(int descriptor, int when, byte* state);
}
