using Kimg.Engine.Oci;
using Xunit;

namespace Kimg.Engine.Tests.Oci;

public sealed class TimestampTests
{
    [Theory]
    [InlineData("2026-11-21T09:36:43.605638664Z")]
    [InlineData("2026-11-21T09:36:43Z")]
    [InlineData("2026-11-21T09:36:43.1Z")]
    [InlineData("2026-11-21T09:36:43.000000001Z")]
    [InlineData("2013-06-13T16:03:50.867+02:00")]
    [InlineData("0001-01-01T00:00:00Z")]
    public void Comes_out_as_it_went_in(string text)
    {
        Assert.True(Timestamp.TryParse(text, out Timestamp time));
        Assert.Equal(text, time.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("2026-11-21")]
    [InlineData("2026-11-21T09:36:43.Z")]
    [InlineData("2026-13-21T09:36:43Z")]
    [InlineData("yesterday at a quarter past")]
    public void Refuses_what_is_no_time(string text) => Assert.False(Timestamp.TryParse(text, out _));

    [Fact]
    public void Compares_to_the_nanosecond_and_across_offsets()
    {
        Assert.True(Parse("2026-01-01T00:00:00.000000001Z") > Parse("2026-01-01T00:00:00Z"));
        Assert.True(Parse("2026-01-01T00:00:00+02:00") < Parse("2026-01-01T00:00:00Z"));
    }

    private static Timestamp Parse(string text) => Timestamp.TryParse(text, out Timestamp time) ? time : throw new FormatException(text);
}
