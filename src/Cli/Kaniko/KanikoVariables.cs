using System.Collections.Immutable;
using Kimg.Cli.CommandLine;
using Kimg.Cli.Options;

namespace Kimg.Cli.Kaniko;

/// <summary>Kaniko's variables that stand for flags. Empty ones are as if they were not there.</summary>
internal static class KanikoVariables
{
    public static Arguments Apply(Arguments arguments, CliHost host)
    {
        // It goes before the flag, as there.
        if (Given(host, "KANIKO_NO_PUSH") is { } push)
        {
            Arguments.ParseBoolean("KANIKO_NO_PUSH", push);
            arguments = arguments.With(KanikoFlags.Row("no-push"), [push]);
        }

        if (Given(host, "KANIKO_REGISTRY_MAP") is { } map && map.Split(';', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(m => m.IndexOf('=') <= 0 || m[^1] == '=') is { } wrong)
            throw new OptionSource("KANIKO_REGISTRY_MAP", wrong).Invalid("it is not REGISTRY=MIRROR");
        arguments = Added(arguments, host, "registry-mirror", "KANIKO_REGISTRY_MIRROR");
        arguments = Added(arguments, host, "registry-map", "KANIKO_REGISTRY_MAP");
        return arguments.Value(KanikoFlags.Row("kaniko-dir")) is null && Given(host, "KANIKO_DIR") is { } directory
            ? arguments.With(KanikoFlags.Row("kaniko-dir"), [directory]) : arguments;
    }

    private static Arguments Added(Arguments arguments, CliHost host, string name, string variable)
    {
        OptionRow row = KanikoFlags.Row(name);
        ImmutableArray<string> values = arguments.Values(row);
        return Given(host, variable) is { } value ? arguments.With(row, values.Add(value)) : arguments;
    }

    private static string? Given(CliHost host, string name) => host.Variable(name) is { Length: > 0 } value ? value : null;
}
