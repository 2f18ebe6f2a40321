using FsCheck;
using FsCheck.Fluent;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Engine.Tests.Archive;

public sealed class TarPropertyTests
{
    [Fact]
    public void Whatever_is_written_is_read_again() =>
        Prop.ForAll(Entries().ArrayOf().ToArbitrary(), entries =>
        {
            (TarEntry Entry, byte[] Content)[] written = [.. entries.Select(e => (e, Content(e)))];
            byte[] tar = Tars.Write(written);
            Assert.Equal(written.Select(Text), Tars.Read(tar).Select(Text));
            Assert.Equal(0, tar.Length % 512);
        }).QuickCheckThrowOnFailure();

    private static Gen<TarEntry> Entries() =>
        from type in Gen.Elements(
            EntryType.File, EntryType.File, EntryType.Directory, EntryType.Symlink, EntryType.HardLink, EntryType.CharDevice, EntryType.Fifo, EntryType.Whiteout)
        from path in Paths()
        from target in Paths()
        from mode in Gen.Choose(0, 0xFFF)
        from uid in Gen.Elements(0u, 1000u, 0x1FFFFFu, 0x200000u, uint.MaxValue)
        from gid in Gen.Elements(0u, 0x1FFFFFu, 0x200000u)
        from modified in Gen.Elements(0, 1, -1, 1_600_000_000, (1L << 33) - 1, 1L << 33, long.MaxValue, long.MinValue)
        from size in Gen.Elements(0, 1, 511, 512, 513, 70_000)
        from minor in Gen.Choose(0, 0xFFFFF)
        from attribute in Gen.Elements("", "user.a", "user.ü\n", "security.capability")
        select new TarEntry
        {
            Path = path,
            Type = type,
            Mode = mode,
            Uid = uid,
            Gid = gid,
            ModifiedSeconds = modified,
            Size = type == EntryType.File ? size : 0,
            LinkTarget = type switch { EntryType.Symlink => "../" + target.Value, EntryType.HardLink => target.Value + "x", _ => null },
            DeviceMajor = type == EntryType.CharDevice ? 4095u : 0,
            DeviceMinor = type == EntryType.CharDevice ? (uint)minor : 0,
            Xattrs = attribute.Length == 0 ? null : Tars.Xattrs((attribute, [0, (byte)'\n', (byte)'=', 0xff]), ("user.0", [])),
        };

    private static Gen<ImagePath> Paths() =>
        from depth in Gen.Choose(1, 4)
        from names in Names().ArrayOf(depth)
        select ImagePath.Trusted(string.Join('/', names));

    // Any bytes but slash and NUL, short as a rule; '_' in front keeps them from being ".", ".." or a whiteout.
    private static Gen<string> Names() =>
        from length in Gen.Frequency((8, Gen.Choose(0, 12)), (1, Gen.Choose(90, 110)), (1, Gen.Constant(250)))
        from bytes in Gen.Frequency((5, Gen.Choose('a', 'z')), (1, Gen.Choose(1, 255))).ArrayOf(length)
        select "_" + PathText.Decode([.. bytes.Select(b => b == '/' ? (byte)'.' : (byte)b)]);

    private static byte[] Content(TarEntry entry) => CodecTests.Sample((int)entry.Size);

    private static string Text((TarEntry Entry, byte[] Content) e) => string.Join('|',
        e.Entry with { Xattrs = null },
        string.Join(',', e.Entry.Xattrs?.Where(x => x.Value.Length > 0).Select(x => x.Key + "=" + Convert.ToHexString([.. x.Value])) ?? []),
        Digest.Sha256(e.Content));
}
