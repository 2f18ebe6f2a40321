using System.Collections.Immutable;
using System.Text;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Build;

/// <summary>Finds and reads the Dockerfile of a request.</summary>
internal static class DockerfileLoader
{
    private const int MaxSize = 2 << 20;

    /// <param name="context">The main context on this machine.</param>
    public static async Task<LoadedDockerfile> LoadAsync(BuildRequest request, OpenedContext context, CancellationToken cancellationToken)
    {
        string? contextDirectory = context.Directory;
        if (request.DockerfileText is { } text) return new LoadedDockerfile("Dockerfile", null, Encoding.UTF8.GetBytes(text));
        if (contextDirectory is null) throw Missing("Dockerfile", "give one on stdin with '-' or --file -");
        if (!context.IsLocal) return await LoadInsideAsync(request, context, cancellationToken);
        string path = request.DockerfilePath is { } given ? Path.GetFullPath(given, contextDirectory) : Path.Combine(contextDirectory, "Dockerfile");
        if (request.DockerfilePath is null && !File.Exists(path) && File.Exists(Path.Combine(contextDirectory, "dockerfile")))
            path = Path.Combine(contextDirectory, "dockerfile");
        string name = Path.GetRelativePath(contextDirectory, path) is var relative && !relative.StartsWith("..", StringComparison.Ordinal) ? relative : path;
        try
        {
            byte[] bytes = await GivenFile.ReadAsync(path, MaxSize, cancellationToken)
                ?? throw new KimgException(ErrorCode.DockerfileSyntax, $"'{name}' is larger than {MaxSize >> 20} MiB");
            return new LoadedDockerfile(name, path, bytes);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Missing(path, request.DockerfilePath is null ? "name another with --file" : "the path of --file is relative to the current directory");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new KimgException(ErrorCode.ContextUnreadable, $"cannot read '{path}': {error.Message}", error);
        }
    }

    // Somebody else made the context: neither --file nor a symlink leads out of it.
    private static async Task<LoadedDockerfile> LoadInsideAsync(BuildRequest request, OpenedContext context, CancellationToken cancellationToken)
    {
        string directory = context.Directory!;
        using SafeFileHandle root = RootedPaths.OpenRoot(directory);
        string[] names = request.DockerfilePath is { } given ? [given] : context.Dockerfile is { } only ? [only] : ["Dockerfile", "dockerfile"];
        foreach (string name in names)
        {
            using SafeFileHandle? file = RootedPaths.OpenFile(root, ImagePath.Normalize(name).Value);
            if (file is null) continue;
            FileStat stat = Trees.Stat(file);
            if (stat.Format != FileStat.File) throw new KimgException(ErrorCode.DockerfileNotFound, $"'{name}' is not a file") { Hint = "name another with --file" };
            if (stat.Size > MaxSize) throw new KimgException(ErrorCode.DockerfileSyntax, $"'{name}' is larger than {MaxSize >> 20} MiB");
            var bytes = new byte[stat.Size];
            for (int read = 0, got; read < bytes.Length && (got = await RandomAccess.ReadAsync(file, bytes.AsMemory(read), read, cancellationToken)) > 0;) read += got;
            return new LoadedDockerfile(name, null, bytes);
        }

        throw Missing(names[0], "the path of --file is relative to the root of the context");
    }

    private static KimgException Missing(string path, string hint) => new(ErrorCode.DockerfileNotFound, $"no Dockerfile: '{path}' does not exist") { Hint = hint };
}

/// <param name="Name">As shown in messages.</param>
/// <param name="HostPath">Where it was read, or null.</param>
internal sealed record LoadedDockerfile(string Name, string? HostPath, byte[] Bytes)
{
    /// <summary>The main context's ignore patterns.</summary>
    public ImmutableArray<string> IgnorePatterns { get; init; } = [];
}
