using System.Buffers.Binary;
using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sandbox;

/// <summary>An architecture as ELF headers and QEMU name it.</summary>
/// <param name="Number">e_machine.</param>
/// <param name="Architecture">As in platforms.</param>
/// <param name="Qemu">As in <c>qemu-NAME-static</c>; null: it has no user-mode emulator.</param>
internal sealed record Machine(ushort Number, string Architecture, string? Qemu, bool Is64 = true, bool IsLittleEndian = true)
{
    private const int HeaderSize = 20;

    public static ImmutableArray<Machine> All { get; } =
    [
        new(3, "386", "i386", Is64: false), new(8, "mips64le", "mips64el"), new(8, "mips64", "mips64", IsLittleEndian: false),
        new(8, "mipsle", "mipsel", Is64: false), new(8, "mips", "mips", Is64: false, IsLittleEndian: false),
        new(21, "ppc64le", "ppc64le"), new(21, "ppc64", "ppc64", IsLittleEndian: false),
        new(22, "s390x", "s390x", IsLittleEndian: false), new(40, "arm", "arm", Is64: false), new(62, "amd64", "x86_64"), new(183, "arm64", "aarch64"),
        new(243, "riscv64", "riscv64"), new(258, "loong64", "loongarch64"),
    ];

    public static Machine? Find(string architecture) => All.FirstOrDefault(machine => machine.Architecture == architecture);

    /// <summary>Whether this host runs its programs by itself: a 64-bit PC runs those of its predecessor, too.</summary>
    public static bool IsNative(string architecture) =>
        architecture == Platform.Host.Architecture || (Platform.Host.Architecture, architecture) is ("amd64", "386");

    /// <summary>Whose program begins with these bytes; null: no ELF file, or of a machine that is not in the table.</summary>
    public static Machine? OfProgram(ReadOnlySpan<byte> head)
    {
        if (head.Length < HeaderSize || !head.StartsWith("\u007fELF"u8)) return null;
        bool is64 = head[4] == 2, little = head[5] == 1;
        ushort number = little ? BinaryPrimitives.ReadUInt16LittleEndian(head[18..]) : BinaryPrimitives.ReadUInt16BigEndian(head[18..]);
        return All.FirstOrDefault(machine => machine.Number == number && machine.Is64 == is64 && machine.IsLittleEndian == little);
    }

    /// <summary>The first bytes of its programs and which bits of them count (Documentation/admin-guide/binfmt-misc.rst): neither the OS ABI nor whether
    /// the program is position-independent.</summary>
    public (byte[] Magic, byte[] Mask) Signature()
    {
        byte[] magic = new byte[HeaderSize], mask = new byte[HeaderSize];
        "\u007fELF"u8.CopyTo(magic);
        magic[4] = (byte)(Is64 ? 2 : 1);
        magic[5] = (byte)(IsLittleEndian ? 1 : 2);
        magic[6] = 1;
        Array.Fill(mask, (byte)0xff);
        mask[7] = 0;
        magic[IsLittleEndian ? 16 : 17] = 2;
        mask[IsLittleEndian ? 16 : 17] = 0xfe;
        if (IsLittleEndian) BinaryPrimitives.WriteUInt16LittleEndian(magic.AsSpan(18), Number);
        else BinaryPrimitives.WriteUInt16BigEndian(magic.AsSpan(18), Number);
        return (magic, mask);
    }
}
