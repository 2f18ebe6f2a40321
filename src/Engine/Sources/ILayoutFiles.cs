namespace Kimg.Engine.Sources;

/// <summary>The files of an OCI layout.</summary>
internal interface ILayoutFiles
{
    /// <summary>For messages.</summary>
    string Name { get; }

    /// <param name="path">Below the layout, with slashes.</param>
    /// <param name="offset">Where the bytes begin.</param>
    /// <returns>The bytes from there, and how many there are.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    (Stream Bytes, long Length) Open(string path, long offset);
}

/// <summary>A layout as the specification has it.</summary>
internal sealed class LayoutDirectory(string directory) : ILayoutFiles
{
    public string Name => directory;

    public (Stream Bytes, long Length) Open(string path, long offset)
    {
        FileStream file = File.OpenRead(Path.Combine(directory, path));
        file.Position = offset;
        return (file, file.Length - offset);
    }
}
