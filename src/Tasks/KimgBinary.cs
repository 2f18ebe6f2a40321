using Kimg.Engine.Primitives;

namespace Kimg.Tasks;

/// <summary>The kimg that the tasks start.</summary>
internal static class KimgBinary
{
    /// <param name="given">KimgBinary, or empty; a .dll is managed code.</param>
    /// <param name="tools">The package's folder with a folder for each runtime identifier.</param>
    /// <returns>A program and its first arguments.</returns>
    /// <exception cref="KimgException">InvalidProjectProperty, UnsupportedBuildHost.</exception>
    public static string[] Find(string given, string tools)
    {
        if (given.Length > 0)
        {
            string named = Path.GetFullPath(given);
            if (!File.Exists(named)) throw new KimgException(ErrorCode.InvalidProjectProperty, $"KimgBinary: there is no file '{named}'");
            return Path.GetExtension(named) == ".dll" ? BundledKimg.Managed(named) : [named];
        }

        try
        {
            return BundledKimg.Find(tools);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new KimgException(ErrorCode.UnsupportedBuildHost, $"the kimg in '{tools}' may not be run, and its mode cannot be changed: {e.Message}", e)
            {
                Hint = "its owner can: chmod +x",
            };
        }
    }
}
