using Xunit;

namespace Kimg.Architecture;

public sealed class SizeTests
{
    [Theory]
    [InlineData("src", 600)]
    [InlineData("bench", 600)]
    [InlineData("tests", 800)]
    public void No_file_outgrows_its_limit(string folder, int limit) =>
        Rule.Holds(
            from file in Repository.Files(folder, ".cs")
            let length = Repository.Lines(file).Length
            where length > limit
            select $"{file}: {length} lines");

    [Fact]
    public void The_median_source_file_is_small()
    {
        int[] sizes = [.. Repository.Files("src", ".cs").Select(f => Repository.Lines(f).Length).Order()];
        Assert.InRange(sizes[sizes.Length / 2], 1, 90);
    }

    [Theory]
    [InlineData("src", ".cs")]
    [InlineData("src", ".c")]
    [InlineData("bench", ".cs")]
    [InlineData("tests", ".cs")]
    public void No_line_is_wider_than_a_screen(string folder, string extension) =>
        Rule.Holds(
            from file in Repository.Files(folder, extension)
            from line in Repository.Lines(file).Select((text, i) => (text.Length, Number: i + 1))
            where line.Length > 170
            select $"{file}:{line.Number}: {line.Length} columns");
}
