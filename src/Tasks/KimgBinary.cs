using System.Runtime.InteropServices;
using Kimg.Engine.Primitives;

namespace Kimg.Tasks;

/// <summary>Finds the binary for this machine in the package.</summary>
internal static class KimgBinary
{
    private const UnixFileMode Runnable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <param name="given">KimgBinary, or empty.</param>
    /// <param name="tools">The package's folder with a folder for each runtime identifier.</param>
    /// <exception cref="KimgException">UnsupportedBuildHost.</exception>
    public static string Find(string given, string tools)
    {
        if (given.Length > 0)
        {
            string named = Path.GetFullPath(given);
            return File.Exists(named) ? named : throw new KimgException(ErrorCode.InvalidProjectProperty, $"KimgBinary: there is no file '{named}'");
        }

        string architecture = RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant();
        string path = Path.Combine(tools, "linux-" + architecture, "kimg");
        if (!OperatingSystem.IsLinux() || !File.Exists(path))
        {
            throw new KimgException(ErrorCode.UnsupportedBuildHost, $"the package has no kimg for {RuntimeInformation.RuntimeIdentifier}")
            {
                Hint = "build on Linux (x64, arm64), in WSL or in a Linux container, or name a binary with KimgBinary",
            };
        }

        MakeRunnable(path);
        return path;
    }

    // NuGet keeps no modes.
    private static void MakeRunnable(string path)
    {
        if (!OperatingSystem.IsLinux() || (File.GetUnixFileMode(path) & Runnable) == Runnable) return;
        try
        {
            File.SetUnixFileMode(path, File.GetUnixFileMode(path) | Runnable);
        }
        catch (UnauthorizedAccessException e)
        {
            if ((File.GetUnixFileMode(path) & Runnable) != 0) return;
            throw new KimgException(ErrorCode.UnsupportedBuildHost, $"'{path}' may not be run, and its mode cannot be changed: {e.Message}", e)
            {
                Hint = "its owner can: chmod +x",
            };
        }
    }
}
