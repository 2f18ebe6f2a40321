using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Engine.Tests.Archive;

public sealed class CodecTests
{
    private const int PieceSize = 1 << 20;

    public static TheoryData<int> Lengths => [0, 1, PieceSize - 1, PieceSize, (3 * PieceSize) + 7];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Gzip_is_read_by_gzip_and_python_and_us(int length)
    {
        using var scratch = new ScratchDirectory();
        byte[] data = Sample(length), packed = Pack(data, Compression.Gzip);
        scratch.File("a.gz", packed);
        Tars.Run(scratch.Path, "gzip", "-kd", "a.gz");
        Assert.True(data.AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(scratch.Path, "a"))));
        Assert.Equal($"{length}\n", Tars.Run(scratch.Path, "python3", "-c", "import gzip; print(len(gzip.open('a.gz').read()))"));
        Assert.True(data.AsSpan().SequenceEqual(Unpack(packed)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(9)]
    public void Gzip_takes_noise_at_every_level(int level)
    {
        byte[] noise = new byte[PieceSize + 1];
        new Random(1).NextBytes(noise);
        using var output = new MemoryStream();
        using (Stream gzip = Codec.Compress(output, Compression.Gzip, level, leaveOpen: true)) gzip.Write(noise);
        Assert.True(noise.AsSpan().SequenceEqual(Unpack(output.ToArray())));
    }

    [Fact]
    public void Gzip_bytes_do_not_depend_on_how_they_are_written()
    {
        byte[] data = Sample(2_500_000);
        using var output = new MemoryStream();
        using (Stream gzip = Codec.Compress(output, Compression.Gzip, null, leaveOpen: true))
        {
            for (int i = 0; i < data.Length; i += 999)
            {
                gzip.Write(data, i, Math.Min(999, data.Length - i));
                if (i % 7 == 0) gzip.Flush();
            }
        }

        Assert.True(Pack(data, Compression.Gzip).AsSpan().SequenceEqual(output.ToArray()));
        Assert.Equal("1F8B08000000000000FF", Convert.ToHexString(output.ToArray(), 0, 10));
    }

    [Fact]
    public void Reads_what_gzip_wrote_and_several_members()
    {
        using var scratch = new ScratchDirectory();
        byte[] data = Sample(200_000);
        scratch.File("a", data);
        Tars.Run(scratch.Path, "sh", "-c", "gzip -1 <a >b && gzip -9 <a >>b && gzip </dev/null >>b");
        Assert.True(((byte[])[.. data, .. data]).AsSpan().SequenceEqual(Unpack(File.ReadAllBytes(Path.Combine(scratch.Path, "b")))));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(5000)]
    public void Gzip_that_was_cut_off_is_refused(int cut)
    {
        byte[] packed = Pack(Sample(1_500_000), Compression.Gzip);
        Assert.Equal(ErrorCode.UnsafeArchive, Assert.Throws<KimgException>(() => Unpack(packed[..^cut])).Code);
    }

    [Theory]
    [InlineData("00")]
    [InlineData("1F8B")]
    [InlineData("68656C6C6F")]
    public void Bytes_behind_gzip_data_are_refused(string tail)
    {
        byte[] packed = [.. Pack(Sample(1000), Compression.Gzip), .. Convert.FromHexString(tail)];
        Assert.Equal(ErrorCode.UnsafeArchive, Assert.Throws<KimgException>(() => Unpack(packed)).Code);
    }

    [Fact]
    public void Gzip_with_a_wrong_checksum_is_refused()
    {
        byte[] packed = Pack(Sample(1000), Compression.Gzip);
        packed[^6] ^= 0x10;
        Assert.Equal(ErrorCode.UnsafeArchive, Assert.Throws<KimgException>(() => Unpack(packed)).Code);
    }

    [Theory]
    [InlineData(0, 3)]
    [InlineData(1, 1)]
    [InlineData(4 << 20, 3)]
    [InlineData((9 << 20) + 1, 19)]
    public void Zstd_is_read_by_zstd_and_us(int length, int level)
    {
        using var scratch = new ScratchDirectory();
        byte[] data = Sample(length), packed = Pack(data, Compression.Zstd, level);
        scratch.File("a.zst", packed);
        Tars.Run(scratch.Path, "zstd", "-q", "-d", "a.zst");
        Assert.True(data.AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(scratch.Path, "a"))));
        Assert.True(data.AsSpan().SequenceEqual(Unpack(packed)));
    }

    [Theory]
    [InlineData("zstd -q", Compression.Zstd)]
    [InlineData("xz", Compression.Xz)]
    [InlineData("bzip2", Compression.Bzip2)]
    public void Reads_other_programs_output_also_concatenated_but_not_cut_off_or_with_a_tail(string program, Compression compression)
    {
        using var scratch = new ScratchDirectory();
        byte[] data = Sample(1_200_000);
        scratch.File("a", data);
        Tars.Run(scratch.Path, "sh", "-c", $"{program} <a >b; {program} </dev/null >>b; {program} <a >>b");
        byte[] packed = File.ReadAllBytes(Path.Combine(scratch.Path, "b"));

        Assert.Equal(compression, Codec.Detect(packed));
        Assert.True(((byte[])[.. data, .. data]).AsSpan().SequenceEqual(Unpack(packed)));
        foreach (int cut in new[] { 1, 7, 1000 })
            Assert.Equal(ErrorCode.UnsafeArchive, Assert.Throws<KimgException>(() => Unpack(packed[..^cut])).Code);
        Assert.Equal(ErrorCode.UnsafeArchive, Assert.Throws<KimgException>(() => Unpack([.. packed, 1, 2, 3, 4, 5, 6, 7, 8])).Code);
        packed[packed.Length / 3] ^= 0x55;
        Assert.Equal(ErrorCode.UnsafeArchive, Assert.Throws<KimgException>(() => Unpack(packed)).Code);
    }

    [Fact]
    public void Xz_that_wants_too_much_memory_is_refused()
    {
        using var scratch = new ScratchDirectory();
        scratch.File("a", Sample(100));
        Tars.Run(scratch.Path, "xz", "--lzma2=dict=1GiB", "a");
        KimgException error = Assert.Throws<KimgException>(() => Unpack(File.ReadAllBytes(Path.Combine(scratch.Path, "a.xz"))));
        Assert.Contains("256 MiB", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Uncompressed_data_passes_through_however_short()
    {
        Assert.Equal([], Unpack([]));
        Assert.Equal([0x1f, 0x8b], Unpack([0x1f, 0x8b]));
        Assert.Equal("plain text"u8.ToArray(), Unpack("plain text"u8.ToArray()));
    }

    [Fact]
    public void A_level_out_of_range_is_refused() =>
        Assert.Equal(ErrorCode.InvalidOutput, Assert.Throws<KimgException>(() => Codec.Compress(Stream.Null, Compression.Gzip, 10, true)).Code);

    internal static byte[] Pack(byte[] data, Compression compression, int? level = null)
    {
        using var output = new MemoryStream();
        using (Stream codec = Codec.Compress(output, compression, level, leaveOpen: true)) codec.Write(data);
        return output.ToArray();
    }

    internal static byte[] Unpack(byte[] data)
    {
        using Stream codec = Codec.Decompress(new TricklingStream(new MemoryStream(data), 4093));
        using var output = new MemoryStream();
        codec.CopyTo(output);
        return output.ToArray();
    }

    /// <summary>Half text, half noise; the same every time.</summary>
    internal static byte[] Sample(int length)
    {
        var data = new byte[length];
        var random = new Random(42);
        for (int i = 0; i < length; i += 64)
        {
            Span<byte> line = data.AsSpan(i, Math.Min(64, length - i));
            if (random.Next(2) == 0) random.NextBytes(line);
            else line.Fill((byte)('a' + (i / 64 % 26)));
        }

        return data;
    }
}
