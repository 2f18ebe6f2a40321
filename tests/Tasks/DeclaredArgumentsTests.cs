using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary>Names after ARG, which get values from the project.</summary>
public sealed class DeclaredArgumentsTests
{
    [Theory]
    [InlineData("FROM scratch\nARG VERSION\n", "VERSION")]
    [InlineData("ARG A B=1 C", "A B C")]
    [InlineData("  arg A=\"x y\" B='p ARG q' C=d\\ e D\r\nFROM scratch\r\n", "A B C D")]
    [InlineData("ARG A \\\n  # between\n  B=2 \\\n  C\nENV D=1\n", "A B C")]
    [InlineData("# syntax=x\n# escape=`\nARG A `\n B\nENV C=\\\nARG D\n", "A B D")]
    [InlineData("# ARG A\nRUN echo ARG B\nENV X=1 \\\n ARG=2\n", "")]
    public void All_names_of_a_declaration_are_seen(string dockerfile, string names) => Assert.Equal(names, string.Join(' ', DeclaredArguments.Of(dockerfile).Order()));
}
