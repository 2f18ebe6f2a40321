using System.Text;
using Kimg.Cli.Progress;
using Xunit;

namespace Kimg.Cli.Tests.Progress;

public sealed class TextTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("\u001b[31mred\u001b[0m", "red")]
    [InlineData("a\u001b[2J\u001b[1;1Hb", "ab")]
    [InlineData("a\u001b]0;title\u0007b\u001b]8;;http://x\u001b\\c", "abc")]
    [InlineData("a\u001bP1$r\u001b\\b\u001b_x\u001b\\c", "abc")]
    [InlineData("a\u009b31mb", "ab")]
    [InlineData("a\u001b(Bb\u001bcc", "abc")]
    [InlineData("ab\bc", "ac")]
    [InlineData("a\tb", "a       b")]
    [InlineData("\u202eevil\u2066", "evil")]
    [InlineData("bell\a null\0", "bell null")]
    [InlineData("cut \u001b[3", "cut ")]
    [InlineData("cut \u001b", "cut ")]
    [InlineData("cut \u001b]0;never closed", "cut ")]
    public void Nothing_a_terminal_acts_on_is_left(string text, string expected) => Assert.Equal(expected, OutputSanitizer.Line(text, colours: false));

    [Theory]
    [InlineData("\u001b[1;31mred", "\u001b[1;31mred\u001b[0m")]
    [InlineData("\u001b[38:2:1:2:3mx\u001b[K", "\u001b[38:2:1:2:3mx\u001b[0m")]
    [InlineData("\u001b[?1049h\u001b[>4mx", "x")]
    public void Colours_may_stay_and_end_with_the_line(string text, string expected) => Assert.Equal(expected, OutputSanitizer.Line(text, colours: true));

    [Theory]
    [InlineData("abc", 3)]
    [InlineData("日本", 4)]
    [InlineData("e\u0301", 1)]
    [InlineData("🚀x", 3)]
    [InlineData("한글", 4)]
    [InlineData("", 0)]
    public void Columns(string text, int expected) => Assert.Equal(expected, DisplayWidth.Of(text));

    [Theory]
    [InlineData("abc", 5, "abc  ")]
    [InlineData("abcdef", 4, "abc…")]
    [InlineData("日本語", 4, "日… ")]
    [InlineData("x", 0, "")]
    public void Fits_text_into_columns(string text, int width, string expected) => Assert.Equal(expected, DisplayWidth.Fit(text, width));

    [Theory]
    [InlineData(0, "0B")]
    [InlineData(999, "999B")]
    [InlineData(1000, "1.00kB")]
    [InlineData(12_345_678, "12.35MB")]
    [InlineData(5_000_000_000, "5.00GB")]
    public void Bytes(long bytes, string expected) => Assert.Equal(expected, Format.Bytes(bytes));

    [Theory]
    [InlineData("a\nb\n", "a|b")]
    [InlineData("a\r\nb\r\n", "a|b")]
    [InlineData("10%\r20%\r\n", "10%|20%")]
    [InlineData("a\n\nb", "a||b")]
    [InlineData("a\r\r\nb\n\rc\n\r\n", "a|b|c|")]
    [InlineData("é日🚀", "é日🚀")]
    public void Lines_do_not_depend_on_how_bytes_arrive(string text, string expected)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        for (int size = 1; size <= bytes.Length; size++)
        {
            var buffer = new LineBuffer();
            var lines = new List<string>();
            foreach (byte[] chunk in bytes.Chunk(size)) lines.AddRange(buffer.Append(chunk, TimeSpan.Zero));
            if (buffer.Flush(TimeSpan.Zero) is { } rest) lines.Add(rest);
            Assert.Equal(expected, string.Join('|', lines));
        }
    }

    [Fact]
    public void Of_a_progress_bar_only_the_last_state_is_kept()
    {
        var buffer = new LineBuffer();
        buffer.Append("start\n10%\r50%\r"u8, TimeSpan.Zero);
        Assert.Equal(["start", "50%"], buffer.Last.Select(l => l.Text));
        buffer.Append("100%\r\nend\n\rx"u8, TimeSpan.Zero);
        Assert.Equal(["start", "100%", "end"], buffer.Last.Select(l => l.Text));
    }

    [Fact]
    public void A_step_that_never_ends_a_line_takes_no_more_memory_than_one_line()
    {
        var buffer = new LineBuffer();
        for (int i = 0; i < 100; i++) buffer.Append(new byte[10_000].Select(_ => (byte)'x').ToArray(), TimeSpan.Zero);
        Assert.True(buffer.Open.Length <= 16 << 10);
        Assert.True(buffer.Last.Sum(l => l.Text.Length) <= 50 * (16 << 10));
    }
}
