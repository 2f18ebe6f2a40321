using Kimg.Engine.Content;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Engine.Tests.Content;

public sealed class VerifiedStreamTests
{
    private static readonly byte[] s_bytes = "some content"u8.ToArray();

    [Fact]
    public void The_right_bytes_pass_and_can_be_read_again_from_the_start()
    {
        using VerifiedStream stream = Over(s_bytes);
        for (int i = 0; i < 2; i++)
        {
            stream.Position = 0;
            using var copy = new MemoryStream();
            stream.CopyTo(copy);
            Assert.Equal(s_bytes, copy.ToArray());
        }
    }

    [Fact]
    public void Going_back_in_the_middle_starts_the_check_again()
    {
        using VerifiedStream stream = Over(s_bytes);
        stream.ReadExactly(new byte[5]);
        stream.Position = 0;
        stream.CopyTo(Stream.Null);
        stream.Position = 3;
        stream.ReadExactly(new byte[4]);
    }

    [Theory]
    [InlineData("some conten", "ends after 11 of 12 bytes")]
    [InlineData("some content!", "is longer than its 12 bytes")]
    [InlineData("Some content", "has the digest sha256:")]
    public async Task Each_fault_has_its_own_message(string sent, string message)
    {
        await using VerifiedStream stream = Over(System.Text.Encoding.ASCII.GetBytes(sent));
        var e = await Assert.ThrowsAsync<KimgException>(() => stream.CopyToAsync(Stream.Null));
        Assert.Equal(ErrorCode.DigestMismatch, e.Code);
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Whoever_takes_exactly_the_promised_size_never_gets_wrong_bytes()
    {
        using VerifiedStream stream = Over("Some content"u8.ToArray());
        Assert.Throws<KimgException>(() => stream.ReadExactly(new byte[12]));
    }

    private static VerifiedStream Over(byte[] bytes) => new(new MemoryStream(bytes), Digest.Sha256(s_bytes), s_bytes.Length);
}
