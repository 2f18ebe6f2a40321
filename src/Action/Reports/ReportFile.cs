using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Ci.Reports;

/// <summary>Files that a job reads after the build.</summary>
internal static class ReportFile
{
    private const int DiskFull = 28;

    /// <exception cref="KimgException">DiskFull, StoragePermission, StorageFailed.</exception>
    public static void Write(string path, string text) => Try(path, () => File.WriteAllText(path, text, new UTF8Encoding(false)));

    /// <inheritdoc cref="Write"/>
    public static void Append(string path, string text) => Try(path, () => File.AppendAllText(path, text, new UTF8Encoding(false)));

    private static void Try(string path, Action write)
    {
        try
        {
            if (Path.GetDirectoryName(path) is { Length: > 0 } directory) Directory.CreateDirectory(directory);
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            ErrorCode code = e is UnauthorizedAccessException ? ErrorCode.StoragePermission : e.HResult == DiskFull ? ErrorCode.DiskFull : ErrorCode.StorageFailed;
            throw new KimgException(code, $"the file '{path}' cannot be written: {e.Message.ReplaceLineEndings(" ")}", e) { Hint = "name a file in a directory that can be written" };
        }
    }
}
