using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>Makes a context a directory of this machine.</summary>
internal static class ContextDirectory
{
    /// <returns>Null when the context has no files.</returns>
    public static Task<string?> OpenAsync(ContextSource source, TemporaryDirectory temporary, CancellationToken cancellationToken) => source switch
    {
        DirectoryContext directory => Task.FromResult<string?>(directory.Path),
        EmptyContext => Task.FromResult<string?>(null),
        TarContext tar => Task.Run<string?>(() => TarExtraction.Extract(tar.Tar, temporary.MakeEmpty(), cancellationToken), cancellationToken),
        _ => throw new KimgException(ErrorCode.UnsupportedFeature, $"a context of type {source.GetType().Name} is not supported")
        {
            Hint = "use a directory, or a tar on stdin",
        },
    };
}
