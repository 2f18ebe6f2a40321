using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Engine.Tests.Ops;

public sealed class ModeChangeTests
{
    [Theory]
    [InlineData("0755", "644", false, "755")]
    [InlineData("4755", "644", false, "4755")]
    [InlineData("+x", "644", false, "755")]
    [InlineData("u+x", "644", false, "744")]
    [InlineData("go-rwx", "755", false, "700")]
    [InlineData("u=rwX,go=rX", "600", false, "644")]
    [InlineData("u=rwX,go=rX", "600", true, "755")]
    [InlineData("u=rwX,go=rX", "700", false, "755")]
    [InlineData("g=u", "750", false, "770")]
    [InlineData("a=r,u+w", "777", false, "644")]
    [InlineData("u+s,g+s,+t", "755", false, "7755")]
    [InlineData("o=", "777", false, "770")]
    public void Changes_modes_as_chmod_does(string change, string before, bool directory, string after) =>
        Assert.Equal(after, Convert.ToString(ModeChange.Parse(change)!.Apply(Convert.ToInt32(before, 8), directory), 8));

    [Theory]
    [InlineData("0999")]
    [InlineData("rwx")]
    [InlineData("u")]
    [InlineData("u+q")]
    [InlineData("77777")]
    [InlineData("u+x,")]
    public void Refuses_what_is_no_mode(string change) =>
        Assert.Equal(ErrorCode.InvalidInstruction, Assert.Throws<KimgException>(() => ModeChange.Parse(change)).Code);
}
