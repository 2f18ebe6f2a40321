using System.Globalization;
using Kimg.Engine.Content;
using Kimg.Engine.Graph;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Ops;

/// <summary>The directory of a cache mount, held for one step the way its sharing says: shared by all, locked for one after another, or private, where a
/// second step at the same time gets a directory of its own. Holds across processes.</summary>
internal sealed class CacheMountLock : IDisposable
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);

    private const string IdSuffix = ".id";

    private readonly FileLock _held;

    private CacheMountLock(string directory, FileLock held) => (Path, _held) = (directory, held);

    /// <summary>The directory; it may not exist yet.</summary>
    public string Path { get; }

    /// <summary>Where the mount of an id is; copies of private ones have a number after it.</summary>
    public static string DirectoryOf(string root, string id) => System.IO.Path.Combine(root, Digest.Sha256(id).Hex);

    public static string LockOf(string directory) => directory + ".lock";

    /// <summary>Ids of the mounts below a directory: beside each is a file that says what its name is the digest of.</summary>
    public static IEnumerable<string> IdsIn(string root)
    {
        if (!Directory.Exists(root)) yield break;
        foreach (string file in Directory.EnumerateFiles(root, "*" + IdSuffix))
        {
            string id;
            try
            {
                id = File.ReadAllText(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                continue; // being written: that mount is in use
            }

            if (DirectoryOf(root, id) + IdSuffix == file) yield return id;
        }
    }

    public static async Task<CacheMountLock> AcquireAsync(string root, CacheMount mount, CancellationToken cancellationToken)
    {
        string first = DirectoryOf(root, mount.Id);
        Directory.CreateDirectory(root);
        for (int copy = 0; ;)
        {
            string directory = copy == 0 ? first : string.Create(CultureInfo.InvariantCulture, $"{first}-{copy}");
            if (FileLock.TryAcquire(LockOf(directory), exclusive: mount.Sharing != CacheSharing.Shared) is { } held)
            {
                // The directory's own time is for steps to see and set: the lock's says when it was used.
                LastUse.Find(LockOf(directory));
                if (copy == 0) Name(root, mount.Id);
                return new CacheMountLock(directory, held);
            }

            if (mount.Sharing == CacheSharing.Private) copy++;
            else await Task.Delay(s_poll, cancellationToken);
        }
    }

    // Half of a name is not taken for one: it does not lead to its own file.
    private static void Name(string root, string id)
    {
        string file = DirectoryOf(root, id) + IdSuffix;
        try
        {
            if (new FileInfo(file) is not { Exists: true, Length: > 0 }) File.WriteAllText(file, id);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Another step writes it at this moment; or it is not exported without a build.
        }
    }

    public void Dispose() => _held.Dispose();
}
