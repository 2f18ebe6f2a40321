using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>Finds and reads the Dockerfile of a request.</summary>
internal static class DockerfileLoader
{
    private const int MaxSize = 2 << 20;

    /// <param name="contextDirectory">The main context on this machine, or null when it has no files.</param>
    public static async Task<LoadedDockerfile> LoadAsync(BuildRequest request, string? contextDirectory, CancellationToken cancellationToken)
    {
        if (request.DockerfileText is { } text) return new LoadedDockerfile("Dockerfile", null, Encoding.UTF8.GetBytes(text));
        if (contextDirectory is null) throw Missing("Dockerfile", "give one on stdin with '-' or --file -");
        string path = request.DockerfilePath is { } given ? Path.GetFullPath(given, contextDirectory) : Path.Combine(contextDirectory, "Dockerfile");
        if (request.DockerfilePath is null && !File.Exists(path) && File.Exists(Path.Combine(contextDirectory, "dockerfile")))
            path = Path.Combine(contextDirectory, "dockerfile");
        string name = Path.GetRelativePath(contextDirectory, path) is var relative && !relative.StartsWith("..", StringComparison.Ordinal) ? relative : path;
        try
        {
            if (new FileInfo(path).Length > MaxSize) throw new KimgException(ErrorCode.DockerfileSyntax, $"'{name}' is larger than {MaxSize >> 20} MiB");
            return new LoadedDockerfile(name, path, await File.ReadAllBytesAsync(path, cancellationToken));
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

    private static KimgException Missing(string path, string hint) => new(ErrorCode.DockerfileNotFound, $"no Dockerfile: '{path}' does not exist") { Hint = hint };
}

/// <param name="Name">As shown in messages.</param>
/// <param name="HostPath">Where it was read, or null.</param>
internal sealed record LoadedDockerfile(string Name, string? HostPath, byte[] Bytes);
