using System.Collections.Immutable;
using System.Text;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sources;

/// <summary>Finds and reads the ignore file of a local context.</summary>
internal static class IgnoreFile
{
    private const int MaxSize = 16 << 20;

    /// <summary>What the patterns of <see cref="FindPatterns"/> leave out; null when there are none.</summary>
    public static PatternMatcher? Find(string context, string? dockerfile) =>
        FindPatterns(context, dockerfile) is { IsEmpty: false } patterns ? PatternMatcher.Create(patterns) : null;

    /// <summary>The patterns of the first file that exists: <c>DOCKERFILE.dockerignore</c> beside the Dockerfile, then .dockerignore in the root of the
    /// context. Empty when there is neither.</summary>
    public static ImmutableArray<string> FindPatterns(string context, string? dockerfile)
    {
        string[] candidates = [.. dockerfile is null ? [] : new[] { dockerfile + ".dockerignore" }, Path.Combine(context, ".dockerignore")];
        return candidates.FirstOrDefault(File.Exists) is { } path ? Load(path) : [];
    }

    private static ImmutableArray<string> Load(string path)
    {
        try
        {
            byte[] bytes = GivenFile.Read(path, MaxSize) ?? throw new KimgException(ErrorCode.InvalidIgnoreFile, $"'{path}' is larger than {MaxSize >> 20} MiB");
            using var text = new StreamReader(new MemoryStream(bytes), Encoding.UTF8);
            return PatternMatcher.ReadIgnoreFile(text.ReadToEnd());
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new KimgException(ErrorCode.ContextUnreadable, $"cannot read '{path}': {error.Message}", error);
        }
    }
}
