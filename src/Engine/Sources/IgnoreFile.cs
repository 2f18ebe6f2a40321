using System.Collections.Immutable;
using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sources;

/// <summary>Finds and reads the ignore file of a local context.</summary>
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

    private static PatternMatcher? Load(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaxSize) throw new KimgException(ErrorCode.InvalidIgnoreFile, $"'{path}' is larger than {MaxSize >> 20} MiB");
            ImmutableArray<string> patterns = PatternMatcher.ReadIgnoreFile(File.ReadAllText(path, Encoding.UTF8));
            return patterns.IsEmpty ? null : PatternMatcher.Create(patterns);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new KimgException(ErrorCode.ContextUnreadable, $"cannot read '{path}': {error.Message}", error);
        }
    }
}
