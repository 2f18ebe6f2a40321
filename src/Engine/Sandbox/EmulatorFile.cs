using System.Buffers.Binary;
using System.Text;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sandbox;

/// <summary>Whether a file can be an emulator: it is started inside images, which have none of its libraries.</summary>
public static class EmulatorFile
{
    private const int InterpreterHeader = 3, MaxHeaders = 1000, MaxPath = 4096;

    /// <summary>What helps who has none.</summary>
    public const string Advice = "apt-get install qemu-user-static brings /usr/bin/qemu-ARCH-static";

    /// <summary>Why it cannot be one, as the end of a sentence; null: it can.</summary>
    public static string? Problem(string path)
    {
        if (!File.Exists(path)) return "there is no such file";
        if (!Processes.IsExecutable(path)) return "it is not executable";
        try
        {
            using FileStream file = File.OpenRead(path);
            return Problem(file);
        }
        catch (EndOfStreamException)
        {
            return "it is no program, or is cut off";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "it cannot be read: " + e.Message;
        }
    }

    private static string? Problem(FileStream file)
    {
        byte[] head = new byte[64];
        file.ReadExactly(head.AsSpan(0, (int)Math.Min(head.Length, file.Length)));
        if (Machine.OfProgram(head) is not { } machine || file.Length < head.Length) return "it is no program (of an architecture that is known)";
        if (!Machine.IsNative(machine.Architecture)) return $"it is a program for linux/{machine.Architecture}, and this is {Platform.Host}";
        if (Interpreter(file, head, machine) is not { } linker) return null;
        return $"it is dynamically linked ({string.Concat(linker.Where(c => !char.IsControl(c)).Take(100))}), and images do not have its libraries";
    }

    // Program headers, as elf(5) has them; the one of a dynamic linker.
    private static string? Interpreter(FileStream file, byte[] head, Machine machine)
    {
        (long table, int size, int count) = machine.Is64
            ? (Word(head, 32, machine), Half(head, 54, machine), Half(head, 56, machine))
            : (Word(head, 28, machine), Half(head, 42, machine), Half(head, 44, machine));
        if (count > MaxHeaders || size < (machine.Is64 ? 56 : 32)) throw new EndOfStreamException();
        byte[] header = new byte[size];
        for (int i = 0; i < count; i++)
        {
            ReadAt(file, table + ((long)i * size), header);
            if (Int(header, 0, machine) != InterpreterHeader) continue;
            (long offset, long length) = machine.Is64 ? (Word(header, 8, machine), Word(header, 32, machine)) : (Word(header, 4, machine), Word(header, 16, machine));
            if (length is < 0 or > MaxPath) throw new EndOfStreamException();
            byte[] path = new byte[length];
            ReadAt(file, offset, path);
            return Encoding.UTF8.GetString(path).TrimEnd('\0');
        }

        return null;
    }

    private static void ReadAt(FileStream file, long offset, byte[] bytes)
    {
        if (offset < 0 || offset > file.Length) throw new EndOfStreamException();
        file.Position = offset;
        file.ReadExactly(bytes);
    }

    private static int Half(byte[] bytes, int at, Machine machine) =>
        machine.IsLittleEndian ? BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(at)) : BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at));

    private static uint Int(byte[] bytes, int at, Machine machine) =>
        machine.IsLittleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at)) : BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(at));

    private static long Word(byte[] bytes, int at, Machine machine) => !machine.Is64 ? Int(bytes, at, machine)
        : machine.IsLittleEndian ? BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(at)) : BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(at));
}
