using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>Paths as instructions write them.</summary>
internal static class ContainerPath
{
    /// <summary>Absolute and clean; relative ones are below <paramref name="directory"/>.</summary>
    public static string Resolve(string directory, string path) =>
        ImagePath.Normalize(path.StartsWith('/') ? path : directory + "/" + path).ToString();

    /// <summary>WORKDIR as the configuration shows it: an absolute path stays as written, a relative one is joined and cleaned.</summary>
    public static string WorkingDirectory(string current, string path)
    {
        if (path.StartsWith('/')) return path;
        string parent = current.StartsWith('/') ? current : LexicalPath.Clean("/" + current);
        return path.Length == 0 ? parent : LexicalPath.Clean(parent + "/" + path);
    }

    /// <summary>As <see cref="Resolve"/>, but a trailing slash, or <c>/.</c>, that says "a directory" stays as a slash.</summary>
    public static string ResolveDestination(string directory, string path)
    {
        string clean = Resolve(directory, path);
        bool isDirectory = path is "" or "." || path.EndsWith('/') || path.EndsWith("/.", StringComparison.Ordinal);
        return isDirectory && clean != "/" ? clean + "/" : clean;
    }

    /// <summary>True when the path holds a character that makes it a pattern.</summary>
    public static bool HasWildcards(string path)
    {
        for (int i = 0; i < path.Length; i++)
        {
            if (path[i] is '*' or '?' or '[') return true;
            if (path[i] == '\\') i++;
        }

        return false;
    }
}
