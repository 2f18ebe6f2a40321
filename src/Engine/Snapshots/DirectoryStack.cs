using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Snapshots;

/// <summary>Walks a tree by descriptors, one path part at a time and never through a symlink, keeping the way to the current directory open: entries in
/// path order cost no path lookups. Not thread-safe.</summary>
internal sealed class DirectoryStack(SafeFileHandle root) : IDisposable
{
    private readonly List<(string Name, SafeFileHandle Handle)> _open = [];
    private string _path = "";

    /// <summary>The directory, valid until the next call; null when it is not there. <paramref name="make"/> is asked to make one that is
    /// missing (or something else), given its parent and path.</summary>
    internal SafeFileHandle? Enter(ImagePath directory, Action<SafeFileHandle, ImagePath>? make = null)
    {
        if (directory.Value == _path) return Top;
        string[] parts = directory.Parts;
        int common = 0;
        while (common < parts.Length && common < _open.Count && parts[common] == _open[common].Name) common++;
        CloseTo(common);
        while (_open.Count < parts.Length)
        {
            string name = parts[_open.Count];
            SafeFileHandle? next = Trees.TryOpenDirectory(Top, name);
            if (next is null && make is not null)
            {
                make(Top, Current(name));
                next = Trees.OpenDirectory(Top, name);
            }

            if (next is null) return null;
            Push(name, next);
        }

        return Top;
    }

    /// <summary>Leaves a directory that is about to be removed.</summary>
    internal void Leave(ImagePath directory)
    {
        if (directory.Contains(ImagePath.Trusted(_path))) CloseTo(Math.Max(0, directory.Parts.Length - 1));
    }

    public void Dispose() => CloseTo(0);

    private SafeFileHandle Top => _open.Count == 0 ? root : _open[^1].Handle;

    private ImagePath Current(string name) => ImagePath.Trusted(_path.Length == 0 ? name : _path + "/" + name);

    private void Push(string name, SafeFileHandle handle)
    {
        _path = Current(name).Value;
        _open.Add((name, handle));
    }

    private void CloseTo(int count)
    {
        if (count >= _open.Count) return;
        for (int i = _open.Count - 1; i >= count; i--) _open[i].Handle.Dispose();
        _open.RemoveRange(count, _open.Count - count);
        _path = string.Join('/', _open.Select(o => o.Name));
    }
}
