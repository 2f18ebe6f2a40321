using Kimg.Cli.CommandLine;
using Kimg.Engine.Primitives;
using Row = Kimg.Cli.Options.BuildOptionRows;

namespace Kimg.Cli.Options;

/// <summary>Options of buildx that kimg does not honour: an error that says what to do instead, never silence.</summary>
internal static class UnsupportedOptions
{
    private static readonly (OptionRow Row, string Instead)[] s_refused =
    [
        (Row.Builder, "leave it out; kimg builds in its own process"),
        (Row.CgroupParent, "start kimg itself in the cgroup, for example with systemd-run --scope --slice"),
        (Row.Policy, "leave it out"),
        (Row.Resource, "start kimg itself in a limited cgroup, for example with systemd-run --scope -p MemoryMax=2G"),
    ];

    public static void Refuse(Arguments arguments)
    {
        foreach ((OptionRow row, string instead) in s_refused)
        {
            if (arguments.IsGiven(row)) throw Unsupported($"{row.Spelling} is not supported", instead);
        }

        if (arguments.Flag(Row.Load)) throw OutputParser.NoDaemon("--load");
        foreach (OptionRow row in new[] { Row.Provenance, Row.Sbom })
        {
            if (arguments.Value(row) is { } value && value is not ("false" or "0" or "disabled=true"))
                throw Unsupported($"{row.Spelling}={value} is not supported", $"leave it out, or write {row.Spelling}=false");
        }

        foreach (string attest in arguments.Values(Row.Attest))
        {
            var source = new OptionSource(Row.Attest.Spelling, attest);
            bool disabled = Csv.Pairs(source, attest).Any(p => p is { Key: "disabled", Value: { } v } && Arguments.ParseBoolean("disabled", v));
            if (!disabled) throw Unsupported($"--attest={attest} is not supported", "leave it out, or add disabled=true");
        }
    }

    private static KimgException Unsupported(string message, string hint) => new(ErrorCode.UnsupportedFeature, message) { Hint = hint };
}
