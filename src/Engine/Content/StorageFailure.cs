using Kimg.Engine.Native;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Content;

/// <summary>Turns what the file system reports into the errors a user understands.</summary>
internal static class StorageFailure
{
    // .NET keeps the raw errno in HResult on Unix and the Win32 error on Windows.
    private const int QuotaLinux = 122, QuotaMac = 69;
    private const int WindowsDiskFull = unchecked((int)0x80070070), WindowsHandleDiskFull = unchecked((int)0x80070027);

    /// <summary>True for the exceptions <see cref="From"/> takes.</summary>
    public static bool Is(Exception e) => e is IOException or UnauthorizedAccessException;

    /// <param name="path">What was being read or written.</param>
    /// <param name="size">Bytes the file had or should have, when known.</param>
    public static KimgException From(Exception e, string path, long? size = null) => e switch
    {
        IOException { HResult: Errno.ENOSPC or QuotaLinux or QuotaMac or WindowsDiskFull or WindowsHandleDiskFull } => new KimgException(
            ErrorCode.DiskFull,
            $"no space left for '{path}'" + (size is { } bytes ? $" ({bytes} bytes)" : ""), e)
        {
            Hint = "free some space, run kimg prune, or put the state directory on another disk with --state-dir",
        },
        UnauthorizedAccessException or IOException { HResult: Errno.EROFS } => new KimgException(
            ErrorCode.StoragePermission, $"no permission to use '{path}'", e)
        {
            Hint = "the state directory must belong to the user that runs kimg and be writable; --state-dir names another",
        },
        _ => new KimgException(ErrorCode.StorageFailed, $"cannot use '{path}': {FirstLine(e.Message)}", e),
    };

    private static string FirstLine(string message) => message.AsSpan().IndexOfAny('\r', '\n') is var end and >= 0 ? message[..end] : message;
}
