using Kimg.Engine.Content;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Exporters;

/// <summary>A file that appears whole or not at all: written beside its place and renamed by <see cref="Commit"/>. Devices and pipes
/// (below <c>/dev</c> and <c>/proc</c>) are written directly.</summary>
internal sealed class OutputFile : IAsyncDisposable
{
    private readonly string _path;
    private string? _temporary;

    private OutputFile(string path, string? temporary)
    {
        (_path, _temporary) = (path, temporary);
        Stream = new FileStream(temporary ?? path, temporary is null ? FileMode.Open : FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 17);
    }

    public FileStream Stream { get; }

    /// <summary>Begins to write a file; a symlink at the path is followed, missing directories above are made.</summary>
    /// <exception cref="KimgException">InvalidOutput: a directory is in the way.</exception>
    public static OutputFile Create(string path)
    {
        string full = Path.GetFullPath(path);
        if (full.StartsWith("/dev/", StringComparison.Ordinal) || full.StartsWith("/proc/", StringComparison.Ordinal)) return new OutputFile(full, null);
        if (new FileInfo(full).LinkTarget is not null) full = File.ResolveLinkTarget(full, returnFinalTarget: true)!.FullName;
        if (Directory.Exists(full))
        {
            throw new KimgException(ErrorCode.InvalidOutput, $"cannot write the file '{path}': it is a directory")
            {
                Hint = "name a file with dest=, or use tar=false for an OCI layout directory",
            };
        }

        string directory = Path.GetDirectoryName(full)!;
        Directory.CreateDirectory(directory);
        return new OutputFile(full, Path.Combine(directory, $".{Path.GetFileName(full)[..Math.Min(100, Path.GetFileName(full).Length)]}.{Guid.NewGuid():N}"));
    }

    public void Commit()
    {
        Stream.Dispose();
        if (_temporary is null) return;
        File.Move(_temporary, _path, overwrite: true);
        _temporary = null;
    }

    public async ValueTask DisposeAsync()
    {
        await Stream.DisposeAsync();
        if (_temporary is not null) File.Delete(_temporary);
    }

    /// <summary>The error of an output that could not be written; its hints speak of the destination, not of the state directory.</summary>
    internal static KimgException Failed(Exception e, string destination)
    {
        KimgException failure = StorageFailure.From(e, destination);
        return new KimgException(failure.Code, failure.Message, e) { Hint = "check that the destination exists, has space and belongs to you" };
    }
}
