using System.Collections.Immutable;
using System.IO.Enumeration;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>Everything in the state directory that can be listed and removed.</summary>
internal sealed class StateInventory(BuildServices services, GarbageCollector blobs)
{
    private const string Doomed = "doomed-", Active = "active-";

    /// <param name="building">A build is running: only blobs can tell whether it uses them.</param>
    /// <param name="names">What names stand for is in use.</param>
    public async Task<ImmutableArray<StateItem>> ListAsync(bool building, bool names, CancellationToken cancellationToken)
    {
        StateLayout state = services.State;
        // Names after leases: a build that ends in between has given its name before it gave up its lease.
        ImmutableArray<DiskUsage> listed = blobs.List(ImmutableHashSet<Digest>.Empty);
        IReadOnlySet<Digest> roots = names ? await NamedBlobsAsync(cancellationToken) : ImmutableHashSet<Digest>.Empty;
        var items = ImmutableArray.CreateBuilder<StateItem>();
        foreach (DiskUsage blob in listed)
        {
            bool named = roots.Contains(blob.Digest);
            var usage = new UsageItem("blob", blob.Digest.ToString(), blob.Size, blob.LastUsed, blob.InUse || named, named ? "of a named image" : "") { Shared = named };
            items.Add(new StateItem(usage, _ => blobs.TryRemove(blob)));
        }

        items.AddRange(Files("cache record", state.Records, building));
        items.AddRange(Files("imported cache", state.Imported, building || names));
        items.AddRange(Files("layer record", state.Layers, building));
        items.AddRange(Files("index", Path.Combine(state.Root, "indexes"), building));
        items.AddRange(Files("tar", Path.Combine(state.Root, "tars"), building));
        items.AddRange(Files("context", state.Contexts, building));
        items.AddRange(Files("answer of a web server", state.Http, building));
        if (Directory.Exists(state.Git)) items.AddRange(Directory.EnumerateDirectories(state.Git).Select(path => Repository(path, building)));
        items.AddRange(SnapshotRoots().SelectMany(Directory.EnumerateDirectories).Where(IsKept).Select(path => Tree("snapshot", path, SnapshotPaths.IndexIn(path), building)));
        if (Directory.Exists(state.Mounts))
            items.AddRange(Directory.EnumerateDirectories(state.Mounts).Where(IsKept).Select(path => Tree("cache mount", path, CacheMountLock.LockOf(path), building)));
        return items.ToImmutable();
    }

    /// <summary>What killed builds and prunes have left; only to be asked while nothing builds.</summary>
    public IEnumerable<string> Leftovers()
    {
        string[] parents = [services.State.Temporary, services.State.Sandbox];
        IEnumerable<string> temporary = parents.Where(Directory.Exists).SelectMany(Directory.EnumerateDirectories);
        string[] places = [.. SnapshotRoots(), .. new[] { services.State.Mounts }.Where(Directory.Exists)];
        return [.. temporary, .. places.SelectMany(Directory.EnumerateDirectories).Where(path => !IsKept(path))];
    }

    /// <summary>Blobs that named images lead to and that are here.</summary>
    private async Task<IReadOnlySet<Digest>> NamedBlobsAsync(CancellationToken cancellationToken)
    {
        var found = new HashSet<Digest>();
        foreach (NamedImage image in services.Names.All()) await AddAsync(image.Root);
        foreach ((Digest key, _) in services.Imported.List())
        {
            if (services.Imported.Find(key) is { } cache) await AddAsync(cache.Root);
        }

        return found;

        async Task AddAsync(Descriptor descriptor)
        {
            if (!File.Exists(services.Content.Layout.BlobPath(descriptor.Digest)) || !found.Add(descriptor.Digest)) return;
            if (!MediaTypes.IsIndex(descriptor.MediaType) && !MediaTypes.IsManifest(descriptor.MediaType)) return;
            try
            {
                byte[] bytes = await File.ReadAllBytesAsync(services.Content.Layout.BlobPath(descriptor.Digest), cancellationToken);
                ManifestDocument document = ManifestDocument.Parse(bytes, descriptor.Digest, descriptor.MediaType, $"manifest {descriptor.Digest}");
                foreach (Descriptor next in document.References) await AddAsync(next);
            }
            catch (Exception error) when (error is IOException or KimgException)
            {
                // Taken away or damaged meanwhile: whoever wants the image fetches it again.
                found.Remove(descriptor.Digest);
            }
        }
    }

    // snapshots/OWNERS/DRIVER
    private IEnumerable<string> SnapshotRoots() => Directory.Exists(services.State.Snapshots)
        ? Directory.EnumerateDirectories(services.State.Snapshots).SelectMany(Directory.EnumerateDirectories)
        : [];

    private static bool IsKept(string path) =>
        Path.GetFileName(path) is var name && !name.StartsWith(Doomed, StringComparison.Ordinal) && !name.StartsWith(Active, StringComparison.Ordinal);

    // A build may rename or remove a file while it is listed: its entry is read while it is enumerated, and what is gone by then has length 0.
    private static IEnumerable<StateItem> Files(string kind, string directory, bool building)
    {
        if (!Directory.Exists(directory)) return [];
        return new FileSystemEnumerable<StateItem>(
            directory, (ref FileSystemEntry entry) =>
            {
                string path = entry.ToFullPath();
                return new StateItem(new UsageItem(kind, Path.GetFileName(path), entry.Length, entry.LastWriteTimeUtc, building, ""), _ =>
                {
                    File.Delete(path);
                    return true;
                });
            },
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory,
        };
    }

    // See LastUse: what says when it was used is the snapshot's index, the cache mount's lock.
    // A directory is first renamed beside itself: at once gone for builds, and the slow part needs no lock.
    private static StateItem Tree(string kind, string path, string mark, bool building) => new(
        new UsageItem(kind, Path.GetFileName(path), SizeOf(path), UsedAt(path, mark), building, ""), doomed =>
        {
            string gone = Path.Combine(Path.GetDirectoryName(path)!, Doomed + Guid.NewGuid().ToString("n"));
            Directory.Move(path, gone);
            doomed.Add(gone);
            return true;
        });

    // git's own, so it belongs to the user, and no worker is needed.
    private static StateItem Repository(string path, bool building) => new(
        new UsageItem("git repository", Path.GetFileName(path), SizeOf(path), UsedAt(path, GitRepositories.LockOf(path)), building, ""), _ =>
        {
            Directory.Delete(path, recursive: true);
            return true;
        });

    // The directory's own time where there is no such file: it is not whole, or was not made by a step.
    private static DateTime UsedAt(string path, string mark) => File.GetLastWriteTimeUtc(File.Exists(mark) ? mark : path);

    // What the user may not look into (directories of other ids) is not counted. Links are never followed.
    private static long SizeOf(string directory)
    {
        var files = new FileSystemEnumerable<long>(
            directory, (ref FileSystemEntry entry) => entry.Length,
            new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = 0 })
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory && !entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
            ShouldRecursePredicate = (ref FileSystemEntry entry) => !entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
        };
        return files.Sum();
    }
}

/// <param name="Remove">Removes it, or puts a directory on the list of those that the worker removes; false when it is in use after all.</param>
internal sealed record StateItem(UsageItem Usage, Func<List<string>, bool> Remove);
