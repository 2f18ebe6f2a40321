using System.Runtime.InteropServices;

namespace Kimg.Engine.Native;

/// <summary>A system call failed. Stays inside the engine: who knows what was being done turns it into a
/// <see cref="Primitives.KimgException"/>.</summary>
internal sealed class SyscallException(string call, int errno, string? path = null)
    : IOException(path is null ? $"{call}: {Describe(errno)}" : $"{call} '{path}': {Describe(errno)}", errno) // as .NET's own have it
{
    public string Call { get; } = call;

    public int Errno { get; } = errno;

    public string? Path { get; } = path;

    /// <summary>The exception of the call that was just made with <c>SetLastError</c>.</summary>
    internal static SyscallException Last(string call, string? path = null) => new(call, Marshal.GetLastPInvokeError(), path);

    /// <summary>Kernel's text in the house's spelling: lower case, no full stop.</summary>
    internal static string Describe(int errno)
    {
        string text = Marshal.GetPInvokeErrorMessage(errno);
        return text.Length > 1 && char.IsUpper(text[0]) && char.IsLower(text[1]) ? char.ToLowerInvariant(text[0]) + text[1..] : text;
    }
}
