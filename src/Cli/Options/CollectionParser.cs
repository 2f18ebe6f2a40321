using Kimg.Engine.Build;

namespace Kimg.Cli.Options;

/// <summary>--gc: <c>off</c>, <c>auto</c>, or limits as <c>max-used-space=20g,min-free-space=10g,reserved-space=2g,keep-duration=48h</c>.</summary>
internal static class CollectionParser
{
    private static readonly string[] s_keys = ["max-used-space", "min-free-space", "reserved-space", "keep-duration"];

    public static CollectionPolicy? Parse(string? text)
    {
        if (text is "off") return null;
        var policy = new CollectionPolicy();
        if (text is null or "auto") return policy;
        var source = new OptionSource("--gc", text);
        foreach ((string key, string? value) in Csv.Pairs(source, text))
        {
            policy = (key, value) switch
            {
                (_, null) => throw source.Invalid($"'{key}' is not key=value", "off, auto, or limits: " + string.Join(", ", s_keys)),
                ("max-used-space", _) => policy with { MaxUsedSpace = StepOptionParser.ParseSize(key, value) },
                ("min-free-space", _) => policy with { MinFreeSpace = StepOptionParser.ParseSize(key, value) },
                ("reserved-space", _) => policy with { ReservedSpace = StepOptionParser.ParseSize(key, value) },
                ("keep-duration", _) => policy with { KeepDuration = Durations.Parse(source, value) },
                _ => throw source.UnknownKey(key, s_keys),
            };
        }

        return policy;
    }
}
