namespace Kimg.Engine.Primitives;

internal static class LexicalPath
{
    /// <summary>The shortest spelling, as Go's path.Clean: a relative path stays relative, an empty one is ".".</summary>
    public static string Clean(string path)
    {
        bool rooted = path.StartsWith('/');
        var parts = new List<string>();
        foreach (string part in path.Split('/'))
        {
            if (part is "" or ".") continue;
            if (part != ".." || (!rooted && (parts.Count == 0 || parts[^1] == ".."))) parts.Add(part);
            else if (parts.Count > 0) parts.RemoveAt(parts.Count - 1);
        }

        return rooted ? "/" + string.Join('/', parts) : parts.Count == 0 ? "." : string.Join('/', parts);
    }
}
