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

    /// <summary>Text in quotes does not count: a document in a test is as wide as it is.</summary>
    [Theory]
    [InlineData("src")]
    [InlineData("bench")]
    [InlineData("tests")]
    public void No_line_is_wider_than_a_screen(string folder) =>
        Rule.Holds(
            from file in Repository.Files(folder, ".cs")
            from line in SourceText.Code(file).Select((text, i) => (text.Length, Number: i + 1))
            where line.Length > 170
            select $"{file}:{line.Number}: {line.Length} columns");
}
