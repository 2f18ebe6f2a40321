namespace Kimg.Engine.Build;

/// <summary>A directory of one build below the state directory, made at first use and removed at the end.</summary>
internal sealed class TemporaryDirectory(string parent) : IAsyncDisposable
{
    private readonly string _path = System.IO.Path.Combine(parent, Guid.NewGuid().ToString("N")[..16]);

    public string Path
    {
        get
        {
            Directory.CreateDirectory(_path);
            return _path;
        }
    }

    /// <summary>A new empty directory in it.</summary>
    public string MakeEmpty() => Directory.CreateDirectory(System.IO.Path.Combine(_path, Guid.NewGuid().ToString("N")[..8])).FullName;

    public ValueTask DisposeAsync()
    {
        if (Directory.Exists(_path)) Directory.Delete(_path, recursive: true);
        return ValueTask.CompletedTask;
    }
}
