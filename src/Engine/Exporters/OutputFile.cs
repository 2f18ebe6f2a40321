using Kimg.Engine.Content;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Exporters;

/// <summary>A file that appears whole or not at all: written beside its place and renamed by <see cref="Commit"/>. Devices and pipes
/// (below <c>/dev</c> and <c>/proc</c>) are written directly.</summary>
internal sealed class OutputFile : IAsyncDisposable
{
    private const int BufferSize = 1 << 17;

    private readonly WholeFile? _file;

    private OutputFile(WholeFile file) => (_file, Stream) = (file, new FileStream(file.Handle, FileAccess.Write, BufferSize));

    private OutputFile(FileStream stream) => Stream = stream;

    public FileStream Stream { get; }

    /// <summary>Begins to write a file; a symlink at the path is followed, missing directories above are made.</summary>
    /// <exception cref="KimgException">InvalidOutput: a directory is in the way.</exception>
    public static OutputFile Create(string path)
    {
        string full = Path.GetFullPath(path);
        if (full.StartsWith("/dev/", StringComparison.Ordinal) || full.StartsWith("/proc/", StringComparison.Ordinal))
            return new OutputFile(new FileStream(full, FileMode.Open, FileAccess.Write, FileShare.None, BufferSize));
        if (new FileInfo(full).LinkTarget is not null) full = File.ResolveLinkTarget(full, returnFinalTarget: true)!.FullName;
        if (Directory.Exists(full))
        {
            throw new KimgException(ErrorCode.InvalidOutput, $"cannot write the file '{path}': it is a directory")
            {
                Hint = "name a file with dest=, or use tar=false for an OCI layout directory",
            };
        }

        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        return new OutputFile(WholeFile.CreateBeside(full));
    }

    public void Commit()
    {
        Stream.Flush();
        _file?.Commit();
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await Stream.DisposeAsync(); // writes what is left, which may fail
        }
        finally
        {
            _file?.Dispose();
        }
    }

    /// <summary>The error of an output that could not be written; its hints speak of the destination, not of the state directory.</summary>
    internal static KimgException Failed(Exception e, string destination)
    {
        KimgException failure = StorageFailure.From(e, destination);
        return new KimgException(failure.Code, failure.Message, e) { Hint = "check that the destination exists, has space and belongs to you" };
    }
}
