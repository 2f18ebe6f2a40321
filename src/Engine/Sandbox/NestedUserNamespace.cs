using System.Globalization;
using Kimg.Engine.Native;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Sandbox;

/// <summary>A user namespace within the worker's, in which every id is what it is outside: a step gets one when it needs kernel settings of its own
/// (binfmt_misc). The child tells its process id and waits until its ids are mapped.</summary>
internal sealed class NestedUserNamespace : IDisposable
{
    private readonly SafeFileHandle _pidRead, _goWrite;

    internal NestedUserNamespace()
    {
        (_pidRead, PidWriter) = Descriptors.Pipe();
        (GoReader, _goWrite) = Descriptors.Pipe();
    }

    /// <summary>For the child; closed here once it has started.</summary>
    internal SafeFileHandle PidWriter { get; }

    /// <inheritdoc cref="PidWriter"/>
    internal SafeFileHandle GoReader { get; }

    /// <summary>Maps the ids of the child that was started with the two descriptors. False when it died before.</summary>
    /// <exception cref="SyscallException">The ids could not be mapped; the child then ends by itself.</exception>
    internal bool Map()
    {
        PidWriter.Dispose();
        GoReader.Dispose();
        string text = System.Text.Encoding.ASCII.GetString(Descriptors.ReadAll(_pidRead, 64)).Trim();
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int pid)) return false;
        File.WriteAllText($"/proc/{pid}/uid_map", Identity("/proc/self/uid_map"));
        File.WriteAllText($"/proc/{pid}/gid_map", Identity("/proc/self/gid_map"));
        Descriptors.WriteAll(_goWrite, "g"u8);
        return true;
    }

    public void Dispose()
    {
        PidWriter.Dispose();
        GoReader.Dispose();
        _pidRead.Dispose();
        _goWrite.Dispose();
    }

    // "inside outside count" of the worker's own ids → the same ids again.
    private static string Identity(string map) => string.Concat(File.ReadAllLines(map)
        .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Select(range => $"{range[0]} {range[0]} {range[2]}\n"));
}
