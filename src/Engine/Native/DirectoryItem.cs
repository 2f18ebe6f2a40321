namespace Kimg.Engine.Native;

/// <summary>A name in a directory with what the file system said of its type (<c>d_type</c>), which some do not say.</summary>
internal readonly record struct DirectoryItem(string Name, byte Type)
{
    private const byte Unknown = 0, Directory = 4;

    /// <summary>Only what this is false for is certain.</summary>
    public bool MayBeDirectory => Type is Directory or Unknown;
}
