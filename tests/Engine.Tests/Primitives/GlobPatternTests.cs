using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Engine.Tests.Primitives;

public sealed class GlobPatternTests
{
    [Theory]
    [InlineData("a/b")]
    [InlineData("a/**")]
    [InlineData("**")]
    [InlineData("**/a")]
    [InlineData("**/a/b")]
    [InlineData("**/*.c")]
    [InlineData("**/*")]
    [InlineData("*.c")]
    [InlineData("*")]
    [InlineData("*/a")]
    [InlineData("**/*/a")]
    [InlineData("a*")]
    [InlineData("**a")]
    public void Comparing_strings_gives_what_the_automaton_gives(string text)
    {
        Assert.True(GlobPattern.TryParse(text, globstar: true, out GlobPattern? pattern));
        foreach (string path in (string[])["a", "b", "a/b", "a/", "b/a", "x/a/b", "xa", "x/xa", ".c", "a.c", "x/a.c", "x/.c", "a.c/x", "", "ab", "a/b/c.c", "c.c/a", "x/a/"])
            Assert.True(pattern.IsMatch(path) == pattern.Simulate(path), $"'{text}' and '{path}'");
    }

    [Theory]
    [InlineData("abc", "abc", true)]
    [InlineData("*", "abc", true)]
    [InlineData("*c", "abc", true)]
    [InlineData("a*", "abc", true)]
    [InlineData("a*b*c", "axxbyyc", true)]
    [InlineData("a*b*c", "axxbyyd", false)]
    [InlineData("a?c", "abc", true)]
    [InlineData("a?c", "ac", false)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[^a-c]x", "bx", false)]
    [InlineData("[^a-c]x", "dx", true)]
    [InlineData("[]a]", "]", false)]
    [InlineData("[-]", "-", false)]
    [InlineData("[x\\-]", "-", true)]
    [InlineData("a\\*b", "a*b", true)]
    [InlineData("a\\*b", "axb", false)]
    [InlineData("[", "a", false)]
    [InlineData("[a", "a", false)]
    [InlineData("a\\", "a", false)]
    [InlineData("", "", true)]
    [InlineData("*", "", true)]
    [InlineData("", "a", false)]
    public void Matches_as_Go_does(string pattern, string name, bool matches) => Assert.Equal(matches, IsMatch(pattern, name));

    [Fact]
    public void Many_stars_take_no_exponential_time()
    {
        string pattern = string.Concat(Enumerable.Repeat("a*", 40)) + "b", name = new string('a', 2000);

        Assert.False(IsMatch(pattern, name));
    }

    private static bool IsMatch(string pattern, string name) =>
        GlobPattern.TryParse(pattern, globstar: false, out GlobPattern? glob) && glob.IsMatch(name);
}
