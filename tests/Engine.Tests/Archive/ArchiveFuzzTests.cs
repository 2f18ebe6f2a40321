using System.Diagnostics;
using System.Text;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Engine.Tests.Archive;

/// <summary>Archives with random damage: every one is read, or refused with the engine's own error, soon and without much memory.</summary>
public sealed class ArchiveFuzzTests
{
    private const int Rounds = 4000;

    [Fact]
    public void A_damaged_tar_is_read_or_refused()
    {
        byte[][] seeds = [Everything(), .. Foreign()];
        var random = new Random(20261121);
        int refused = 0;
        var clock = Stopwatch.StartNew();
        for (int round = 0; round < Rounds; round++)
        {
            byte[] tar = Damage(seeds[round % seeds.Length], random);
            if (random.Next(4) > 0) FixChecksums(tar);
            try
            {
                ReadAll(tar);
            }
            catch (KimgException e)
            {
                Assert.Equal(ErrorCode.UnsafeArchive, e.Code);
                refused++;
            }
        }

        Assert.InRange(refused, Rounds / 10, Rounds - (Rounds / 10));
        Assert.True(clock.Elapsed < TimeSpan.FromMinutes(2), $"took {clock.Elapsed}");
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("zstd -q")]
    [InlineData("xz")]
    [InlineData("bzip2")]
    public void Damaged_compressed_data_is_read_or_refused(string program)
    {
        using var scratch = new ScratchDirectory();
        scratch.File("a", CodecTests.Sample(20_000));
        Tars.Run(scratch.Path, "sh", "-c", $"{program} <a >b");
        byte[] seed = File.ReadAllBytes(Path.Combine(scratch.Path, "b"));
        var random = new Random(7);
        for (int round = 0; round < 300; round++)
        {
            try
            {
                using Stream decoder = Codec.Decompress(new MemoryStream(Damage(seed, random)));
                ReadSome(decoder);
            }
            catch (KimgException e)
            {
                Assert.Equal(ErrorCode.UnsafeArchive, e.Code);
            }
        }
    }

    private static void ReadAll(byte[] tar)
    {
        var reader = new TarReader(new MemoryStream(tar));
        while (reader.ReadNext() is { } entry)
        {
            Assert.DoesNotContain("..", entry.Path.Parts);
            Assert.DoesNotContain('\0', entry.Path.Value);
            ReadSome(reader.Content);
        }
    }

    // Holes and bombs may go on for ever: their limit is the caller's.
    private static void ReadSome(Stream stream)
    {
        byte[] buffer = new byte[64 * 1024];
        for (int total = 0, read; total < 1 << 20 && (read = stream.Read(buffer)) > 0; total += read)
        {
        }
    }

    private static byte[] Damage(byte[] seed, Random random)
    {
        byte[] bytes = [.. seed];
        for (int i = random.Next(1, 6); i > 0; i--)
        {
            int at = random.Next(bytes.Length);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    "0123456789=/.-\n\0 "u8[random.Next(17)..][..1].CopyTo(bytes.AsSpan(at));
                    break;
                case 3 when bytes.Length > 600:
                    bytes.AsSpan(random.Next(bytes.Length / 512) * 512, 512).CopyTo(bytes.AsSpan(random.Next(bytes.Length / 512) * 512));
                    break;
                default:
                    if (i == 1 && random.Next(3) == 0) bytes = bytes[..at];
                    break;
            }

            if (bytes.Length == 0) return bytes;
        }

        return bytes;
    }

    // Otherwise hardly anything gets past the first check.
    private static void FixChecksums(byte[] tar)
    {
        for (int at = 0; at + 512 <= tar.Length; at += 512)
        {
            Span<byte> block = tar.AsSpan(at, 512);
            if (!block[257..262].SequenceEqual("ustar"u8)) continue;
            Encoding.ASCII.GetBytes(Convert.ToString(TarFormat.Sum(block).Unsigned, 8).PadLeft(6, '0') + "\0 ").CopyTo(block[148..]);
        }
    }

    private static byte[] Everything() => Tars.Write(
        (Tars.Of("d", EntryType.Directory) with { Opaque = true }, []),
        (Tars.File("d/" + new string('n', 130), 700) with { Xattrs = Tars.Xattrs(("user.k", [1, 2])), ModifiedSeconds = -5 }, new byte[700]),
        (Tars.Of("d/h", EntryType.HardLink, "d/f"), []),
        (Tars.Of("d/s", EntryType.Symlink, new string('t', 120)), []),
        (Tars.Of("d/c", EntryType.CharDevice) with { DeviceMajor = 1, DeviceMinor = 5 }, []),
        (Tars.Of("d/gone", EntryType.Whiteout), []));

    private static byte[][] Foreign()
    {
        using var scratch = new ScratchDirectory();
        using (FileStream sparse = File.Create(Path.Combine(scratch.Path, "sparse")))
        {
            sparse.SetLength(1_000_000);
            for (int i = 0; i < 8; i++)
            {
                sparse.Position = i * 131_072;
                sparse.WriteByte(1);
            }
        }

        string[] formats = ["--format=gnu", "--format=posix --sparse-version=0.0", "--format=posix --sparse-version=0.1", "--format=posix --sparse-version=1.0"];
        string name = new('l', 140);
        scratch.File(name, [1, 2, 3]);
        return [.. formats.Select(format =>
        {
            Tars.Run(scratch.Path, "sh", "-c", $"tar {format} -S -b1 -cf a.tar {name} sparse");
            return File.ReadAllBytes(Path.Combine(scratch.Path, "a.tar"));
        })];
    }
}
