using System.Text.Json.Nodes;
using Xunit;
using Xunit.Abstractions;

namespace Kimg.Conformance;

/// <summary>Every case of <c>tests/vectors/builds</c>, built by the static binary: the image, or the error, is the one that BuildKit gave.</summary>
public sealed class ConformanceTests(Machine machine, ITestOutputHelper output) : IClassFixture<Machine>
{
    public static TheoryData<string> Cases => [.. BuildCase.Names];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Builds_what_buildkit_builds(string name)
    {
        JsonObject actual = await machine.ResultAsync(name), expected = Expectation.Read(BuildCase.Read(name).ExpectedFile);
        if (Expectation.Compare(expected, actual) is not { Count: > 0 } differences) return;
        foreach (JsonObject side in new[] { expected, actual })
        {
            if (side["error"] is { } error) output.WriteLine(error["message"]!.GetValue<string>());
        }

        Assert.Fail($"{name}: BuildKit (-) and kimg (+) differ:\n{string.Join('\n', differences)}");
    }
}
