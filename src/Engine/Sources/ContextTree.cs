using Kimg.Engine.Archive;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Sources;

/// <summary>A directory of this machine as a build context: what the ignore file hides is not there, everything belongs to 0:0 unless it came in an archive, nothing is read before it is asked for.
/// A
/// socket is an empty file, as BuildKit has it. Thread-safe.</summary>
internal sealed class ContextTree : IFileTree, IDisposable
{
    private readonly HostDirectory _root;
    private readonly PatternMatcher? _ignore;
    private readonly ContextDigests _digests;
    private readonly ContextHeaders? _headers;
    private readonly Dictionary<ImagePath, Found?> _found = [];
    private readonly Dictionary<ImagePath, IReadOnlyList<TarEntry>> _children = [];
    private readonly Dictionary<ImagePath, PatternState> _states = [];
    private readonly Dictionary<(ulong Device, ulong Inode), ImagePath> _links = [];
    private readonly HashSet<ImagePath> _sockets = [];
    private readonly Lock _gate = new();

    /// <param name="directory">Absolute path.</param>
    /// <param name="ignore">What is hidden; null: nothing.</param>
    public ContextTree(string directory, PatternMatcher? ignore, ContextDigests digests, ContextHeaders? headers = null)
    {
        HostPath = directory;
        _ignore = ignore;
        _digests = digests;
        _headers = headers;
        _root = Guard(ImagePath.Root, () => HostDirectory.Open(directory));
    }

    /// <summary>Where it is on this machine.</summary>
    public string HostPath { get; }

    public TarEntry? Find(ImagePath path)
    {
        lock (_gate) return FindLocked(path)?.Entry;
    }

    public IReadOnlyList<TarEntry> Children(ImagePath directory)
    {
        lock (_gate) return ChildrenLocked(directory);
    }

    public Task<Stream> OpenAsync(TarEntry file, CancellationToken cancellationToken) =>
        Task.FromResult<Stream>(new FileStream(OpenFile(file.Path), FileAccess.Read, bufferSize: 0));

    public Task<IReadOnlyList<Digest>> HashAsync(IReadOnlyList<TarEntry> files, CancellationToken cancellationToken)
    {
        var stamps = new FileStamp[files.Count];
        lock (_gate)
        {
            for (int i = 0; i < stamps.Length; i++)
                stamps[i] = FindLocked(files[i].Path)?.Stamp ?? throw Changed(files[i].Path);
        }

        return _digests.HashAsync(stamps, OpenFile, cancellationToken);
    }

    public void Dispose() => _root.Dispose();

    private SafeFileHandle OpenFile(ImagePath path) => Guard(path, () => IsSocket(path) ? File.OpenHandle("/dev/null") : _root.OpenFile(path.Value));

    private bool IsSocket(ImagePath path)
    {
        lock (_gate) return _sockets.Contains(path);
    }

    private Found? FindLocked(ImagePath path)
    {
        if (_found.TryGetValue(path, out Found? known)) return known;
        if (path.IsRoot) return _found[path] = Make(path, Guard(path, () => _root.Stat()));

        // Reading the parent keeps one rule for what is visible: a path is there when its directory lists it.
        if (FindLocked(path.Parent)?.Entry.Type == EntryType.Directory) ChildrenLocked(path.Parent);
        return _found.TryGetValue(path, out known) ? known : _found[path] = null;
    }

    private IReadOnlyList<TarEntry> ChildrenLocked(ImagePath directory)
    {
        if (_children.TryGetValue(directory, out IReadOnlyList<TarEntry>? known)) return known;
        if (FindLocked(directory)?.Entry.Type != EntryType.Directory) return [];
        return _children[directory] = Guard(directory, () => List(directory));
    }

    private List<TarEntry> List(ImagePath directory)
    {
        using HostDirectory opened = _root.OpenDirectory(directory.IsRoot ? "." : directory.Value);
        List<(string Name, bool Hidden)> visible = Visible(directory, opened.Read());
        visible.Sort(static (a, b) => PathText.Compare(a.Name, b.Name));
        var entries = new List<TarEntry>(visible.Count);
        foreach ((string name, bool hidden) in visible)
        {
            ImagePath path = directory.Append(name);
            if (!opened.TryStat(name, out FileStat stat) || (hidden && !stat.IsDirectory)) continue;
            Found found = Make(path, stat);
            if (stat.IsSymlink) found = found with { Entry = found.Entry with { LinkTarget = opened.ReadLink(name) } };
            _found[path] = found;

            // A hidden directory shows when an exception brings back something below it.
            if (hidden && ChildrenLocked(path).Count == 0)
            {
                _found[path] = null;
                continue;
            }

            entries.Add(found.Entry);
        }

        return entries;
    }

    /// <summary>What the ignore file leaves, and hidden directories that may hold something it takes back. Nothing is asked of the file system for this: most
    /// of a large context is usually hidden.</summary>
    private List<(string Name, bool Hidden)> Visible(ImagePath directory, List<DirectoryItem> items)
    {
        var visible = new List<(string, bool)>(_ignore is null ? items.Count : 0);
        PatternState state = _states.GetValueOrDefault(directory);
        int start = directory.IsRoot ? 0 : directory.Value.Length + 1;
        var buffer = new char[start + 256];
        if (start > 0)
        {
            directory.Value.CopyTo(buffer);
            buffer[start - 1] = '/';
        }

        foreach (DirectoryItem item in items)
        {
            bool hidden = false;
            if (_ignore is not null)
            {
                // A name has 255 bytes at most, and no fewer bytes than characters.
                item.Name.CopyTo(buffer.AsSpan(start));
                ReadOnlySpan<char> path = buffer.AsSpan(0, start + item.Name.Length);
                if (item.MayBeDirectory)
                {
                    hidden = _ignore.Matches(path, state, out PatternState below);
                    if (hidden && !_ignore.MayIncludeBelow(path)) continue;
                    _states[directory.Append(item.Name)] = below;
                }
                else if (_ignore.Matches(path, state))
                {
                    continue;
                }
            }

            visible.Add((item.Name, hidden));
        }

        return visible;
    }

    private Found Make(ImagePath path, in FileStat stat)
    {
        EntryType type = stat.Format switch
        {
            FileStat.Directory => EntryType.Directory,
            FileStat.Symlink => EntryType.Symlink,
            FileStat.Character => EntryType.CharDevice,
            FileStat.Block => EntryType.BlockDevice,
            FileStat.Fifo => EntryType.Fifo,
            _ => EntryType.File,
        };
        if (stat.Format == FileStat.Socket) _sockets.Add(path);
        string? link = null;
        if (type == EntryType.File && stat.LinkCount > 1 && !_links.TryAdd((stat.Device, stat.Inode), path))
        {
            link = _links[(stat.Device, stat.Inode)].Value;
        }

        var entry = new TarEntry
        {
            Path = path,
            Type = link is null ? type : EntryType.HardLink,
            LinkTarget = link,
            Mode = type == EntryType.Symlink ? 0b111_111_111 : stat.Mode,
            Size = stat.Format == FileStat.File ? stat.Size : 0,
            ModifiedSeconds = stat.ModifiedSeconds,
            DeviceMajor = type is EntryType.CharDevice or EntryType.BlockDevice ? stat.RdevMajor : 0,
            DeviceMinor = type is EntryType.CharDevice or EntryType.BlockDevice ? stat.RdevMinor : 0,
        };
        if (type != EntryType.Symlink && _headers?.Invoke(path) is { } header) entry = entry with { Mode = header.Mode, Uid = header.Uid, Gid = header.Gid };
        else if (_headers?.Invoke(path) is { } owner) entry = entry with { Uid = owner.Uid, Gid = owner.Gid };
        return new Found(entry, FileStamp.Of(path, stat));
    }

    private T Guard<T>(ImagePath path, Func<T> call)
    {
        try
        {
            return call();
        }
        catch (SyscallException error)
        {
            string where = path.IsRoot ? HostPath : Path.Combine(HostPath, path.Value);
            throw error.Errno switch
            {
                Errno.EACCES or Errno.EPERM => new KimgException(ErrorCode.ContextUnreadable, $"cannot read '{where}': permission denied", error)
                {
                    Hint = "make it readable for the user who builds, or exclude it in .dockerignore",
                },
                Errno.ENOENT or Errno.ENOTDIR when path.IsRoot => new KimgException(ErrorCode.ContextNotFound, $"no directory '{where}'", error)
                {
                    Hint = "the build context must be an existing directory",
                },
                _ => Changed(path),
            };
        }
    }

    private static KimgException Changed(ImagePath path) => new(ErrorCode.FileChangedDuringBuild, $"'{path}' changed during the build")
    {
        Hint = "build from a tree that nothing writes to meanwhile",
    };

    private sealed record Found(TarEntry Entry, FileStamp Stamp);
}
