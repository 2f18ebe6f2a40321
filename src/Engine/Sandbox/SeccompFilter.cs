using System.Runtime.InteropServices;
using Kimg.Engine.Native;

namespace Kimg.Engine.Sandbox;

/// <summary>Compiles <see cref="SeccompTable"/> and the profile's conditional calls to a classic BPF program (seccomp(2)): refused calls give EPERM, clone3 gives ENOSYS so
/// that C libraries fall back to clone, whose flags a filter can read. A process of another architecture than the table's gets EPERM for everything.</summary>
internal static class SeccompFilter
{
    private const uint NewNamespaces = 0x7E020000; // CLONE_NEW… without CLONE_NEWTIME, which shares a bit with the exit signal
    private const uint AlgSocket = 38;
    private const uint VirtualSocket = 40;
    private static readonly uint[] s_personalities = [0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF];

    private const ushort LoadWord = 0x20;
    private const ushort JumpEqual = 0x15;
    private const ushort JumpGreater = 0x25;
    private const ushort JumpGreaterEqual = 0x35;
    private const ushort And = 0x54;
    private const ushort Return = 0x06;
    private const ushort Jump = 0x05;
    private const uint Allow = 0x7FFF0000;
    private const uint Refuse = 0x00050000 | Errno.EPERM;
    private const uint NotImplemented = 0x00050000 | Errno.ENOSYS;

    // struct seccomp_data: int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6], little endian on all of these.
    private const uint NumberOffset = 0;
    private const uint ArchitectureOffset = 4;
    private const uint FirstArgumentOffset = 16;

    /// <summary>For the calling thread and what it executes. Needs CAP_SYS_ADMIN in its user namespace, since no_new_privs stays off for set-id programs.</summary>
    internal static void Install() => Credentials.InstallFilter(Compile());

    /// <summary>struct sock_filter each: code, jump if true, jump if false, operand.</summary>
    internal static ulong[] Compile()
    {
        bool arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
        var program = new List<ulong> { Statement(LoadWord, ArchitectureOffset) };
        foreach (int column in (int[])(arm ? [1, 3] : [0, 2]))
        {
            List<ulong> section = Section(column);
            program.Add(Branch(JumpEqual, SeccompTable.Architectures[column], 1, 0));
            program.Add(Statement(Jump, (uint)section.Count));
            program.AddRange(section);
        }

        program.Add(Statement(Return, Refuse));
        return [.. program];
    }

    private static List<ulong> Section(int column)
    {
        List<ulong> code = [Statement(LoadWord, NumberOffset)];
        When(code, SeccompTable.Clone3[column], Statement(Return, NotImplemented));
        When(code, SeccompTable.Clone[column],
            Statement(LoadWord, FirstArgumentOffset), Statement(And, NewNamespaces), Branch(JumpEqual, 0, 0, 1), Statement(Return, Allow), Statement(Return, Refuse));
        When(code, SeccompTable.Socket[column],
            Statement(LoadWord, FirstArgumentOffset), Branch(JumpEqual, AlgSocket, 2, 0), Branch(JumpEqual, VirtualSocket, 1, 0),
            Statement(Return, Allow), Statement(Return, Refuse));
        ulong[] personalities = [.. s_personalities.Select((value, i) => Branch(JumpEqual, value, (byte)(s_personalities.Length - i), 0))];
        When(code, SeccompTable.Personality[column],
            [Statement(LoadWord, FirstArgumentOffset), .. personalities, Statement(Return, Refuse), Statement(Return, Allow)]);

        // Ascending ranges, each answered on the spot, because jumps reach only 255 instructions.
        foreach ((uint first, uint last) in Ranges(SeccompTable.Allowed(column)))
        {
            code.Add(Branch(JumpGreaterEqual, first, 1, 0));
            code.Add(Statement(Return, Refuse));
            code.Add(Branch(JumpGreater, last, 1, 0));
            code.Add(Statement(Return, Allow));
        }

        code.Add(Statement(Return, Refuse));
        return code;
    }

    /// <summary>The block for one number; it must end in returns.</summary>
    private static void When(List<ulong> code, int number, params ReadOnlySpan<ulong> block)
    {
        code.Add(Branch(JumpEqual, (uint)number, 0, (byte)block.Length));
        code.AddRange(block);
    }

    private static IEnumerable<(uint First, uint Last)> Ranges(SortedSet<uint> numbers)
    {
        uint? first = null;
        uint last = 0;
        foreach (uint number in numbers)
        {
            if (first is { } start && number != last + 1)
            {
                yield return (start, last);
                first = number;
            }

            first ??= number;
            last = number;
        }

        if (first is { } open) yield return (open, last);
    }

    private static ulong Statement(ushort code, uint operand) => Branch(code, operand, 0, 0);

    private static ulong Branch(ushort code, uint operand, byte whenTrue, byte whenFalse) => code | (ulong)whenTrue << 16 | (ulong)whenFalse << 24 | (ulong)operand << 32;
}
