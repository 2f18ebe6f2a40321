using System.Runtime.InteropServices;

namespace Kimg.Tasks;

/// <summary>Which of the kimgs in a package is for this machine: on Linux the static binary; elsewhere the same program as managed code, which builds all images
/// without RUN. The tool <c>dotnet build-image</c> has this file, too.</summary>
internal static class BundledKimg
{
    private const UnixFileMode Runnable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <param name="tools">The folder with a folder for each runtime identifier.</param>
    /// <returns>A program and its first arguments.</returns>
    /// <exception cref="UnauthorizedAccessException">The binary may not be run.</exception>
    /// <exception cref="IOException">Nor can its mode be changed.</exception>
    public static string[] Find(string tools)
    {
        string native = Path.Combine(tools, "linux-" + RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant(), "kimg");
        if (!OperatingSystem.IsLinux() || !File.Exists(native)) return Managed(Path.Combine(tools, "any", "kimg.dll"));
        MakeRunnable(native);
        return [native];
    }

    /// <summary>Managed code runs in the runtime that runs this.</summary>
    public static string[] Managed(string assembly)
    {
        // DOTNET/shared/Microsoft.NETCore.App/VERSION
        string host = Path.GetFullPath("../../../" + (OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"), RuntimeEnvironment.GetRuntimeDirectory());
        return [File.Exists(host) ? host : "dotnet", "exec", assembly];
    }

    // NuGet keeps no modes.
    private static void MakeRunnable(string path)
    {
        if (OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & Runnable) == Runnable) return;
        try
        {
            File.SetUnixFileMode(path, File.GetUnixFileMode(path) | Runnable);
        }
        // Another's file, or a file system that is only read. For somebody it may be run.
        catch (Exception e) when (e is UnauthorizedAccessException or IOException && (File.GetUnixFileMode(path) & Runnable) != 0)
        {
            return;
        }
    }
}
