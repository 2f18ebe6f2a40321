using Kimg.Engine.Native;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Content;

/// <summary>Where things are inside a store's directory, and the store's one lock.
/// Whoever makes or uses a file (a blob's time stamp, a lease, a file being written) holds the lock shared for that moment; the collector holds it alone for each
/// file it removes. So a file is never removed between "it is here" and "it is in use".</summary>
internal sealed class StoreLayout
{
    /// <summary>Name of <see cref="Ingest"/> in the root.</summary>
    public const string IngestName = "ingest";

    public StoreLayout(string root)
    {
        Root = Path.GetFullPath(root);
        Ingest = Path.Combine(Root, IngestName);
        Leases = Path.Combine(Root, "leases");
        LockFile = Path.Combine(Root, "lock");
        try
        {
            CreateDirectory(Path.Combine(Root, "blobs", "sha256"));
            CreateDirectory(Ingest);
            CreateDirectory(Leases);
        }
        catch (Exception e) when (StorageFailure.Is(e))
        {
            throw StorageFailure.From(e, Root);
        }
    }

    public string Root { get; }

    /// <summary>Files being written: <c>x-…</c> of ingests and <see cref="WholeFile"/>s,
    /// <c>sha256-…</c> of downloads, which are kept to be resumed. Locked by their writers.</summary>
    public string Ingest { get; }

    /// <summary>One locked file per running user of the store; its mtime is when it began.</summary>
    public string Leases { get; }

    public string LockFile { get; }

    public string Blobs => Path.Combine(Root, "blobs");

    public string BlobPath(Digest digest) => Path.Combine(Root, "blobs", digest.Algorithm, digest.Hex);

    public string PartialPath(Digest digest) => Path.Combine(Ingest, $"{digest.Algorithm}-{digest.Hex}");

    public FileLock Share() => FileLock.Acquire(LockFile, exclusive: false);

    public static void CreateDirectory(string path)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
