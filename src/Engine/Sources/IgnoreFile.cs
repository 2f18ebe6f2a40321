using System.Collections.Immutable;
using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sources;

/// <summary>Reads .dockerignore syntax into patterns: a pattern per line, comments from '#' at the start of a line, '!' for exceptions, cleaned as moby's
/// ignorefile does (leading slashes and surrounding white space dropped, "." meaning nothing).</summary>
internal static class IgnoreFile
{
    private const int MaxSize = 16 << 20;

    /// <summary>The patterns of the first file that exists: <c>DOCKERFILE.dockerignore</c> beside the Dockerfile, then .dockerignore in the root of the
    /// context. Null when there is neither.</summary>
    public static PatternMatcher? Find(string context, string? dockerfile)
    {
        string[] candidates = [.. dockerfile is null ? [] : new[] { dockerfile + ".dockerignore" }, Path.Combine(context, ".dockerignore")];
        return candidates.FirstOrDefault(File.Exists) is { } path ? Load(path) : null;
    }

    public static ImmutableArray<string> Parse(string text)
    {
        var patterns = new List<string>();
        foreach (string line in text.TrimStart('\uFEFF').Split('\n'))
        {
            if (line.StartsWith('#')) continue;
            string pattern = line.Trim();
            if (pattern.Length == 0) continue;
            bool exception = pattern.StartsWith('!');
            if (exception) pattern = pattern[1..].Trim();
            if (pattern.Length > 0) pattern = Clean(pattern);
            patterns.Add(exception ? "!" + pattern : pattern);
        }

        return [.. patterns];
    }

    // Go's filepath.Clean, without the leading slash.
    private static string Clean(string pattern)
    {
        bool rooted = pattern.StartsWith('/');
        var parts = new List<string>();
        foreach (string part in pattern.Split('/'))
        {
            if (part is "" or ".") continue;
            if (part == ".." && parts.Count > 0 && parts[^1] != "..") parts.RemoveAt(parts.Count - 1);
            else if (part != ".." || !rooted) parts.Add(part);
        }

        return parts.Count == 0 ? "." : string.Join('/', parts);
    }

    private static PatternMatcher? Load(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaxSize) throw new KimgException(ErrorCode.InvalidIgnoreFile, $"'{path}' is larger than {MaxSize >> 20} MiB");
            ImmutableArray<string> patterns = Parse(File.ReadAllText(path, Encoding.UTF8));
            return patterns.IsEmpty ? null : PatternMatcher.Create(patterns);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new KimgException(ErrorCode.ContextUnreadable, $"cannot read '{path}': {error.Message}", error);
        }
    }
}
