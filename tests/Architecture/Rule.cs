using Xunit;

namespace Kimg.Architecture;

internal static class Rule
{
    /// <summary>Fails with every offence, not with the first few.</summary>
    public static void Holds(IEnumerable<string> offences)
    {
        string[] all = [.. offences];
        Assert.True(all.Length == 0, $"{all.Length} offences:\n{string.Join('\n', all)}");
    }
}
