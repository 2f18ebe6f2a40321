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

    private readonly FileLock _held;

    private CacheMountLock(string directory, FileLock held) => (Path, _held) = (directory, held);

    /// <summary>The directory; it may not exist yet.</summary>
    public string Path { get; }

    /// <summary>Where the mount of an id is; copies of private ones have a number after it.</summary>
    public static string DirectoryOf(string root, string id) => System.IO.Path.Combine(root, Digest.Sha256(id).Hex);

    public static string LockOf(string directory) => directory + ".lock";

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
                return new CacheMountLock(directory, held);
            }

            if (mount.Sharing == CacheSharing.Private) copy++;
            else await Task.Delay(s_poll, cancellationToken);
        }
    }

    public void Dispose() => _held.Dispose();
}
