using System.Reflection;
using Kimg.Cli.CommandLine;

namespace Kimg.Cli.Verbs;

internal static class VersionVerb
{
    public static string Version { get; } =
        typeof(VersionVerb).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    public static Verb Create() => new()
    {
        Name = "version",
        Summary = "Print the version",
        Run = (_, host, _) =>
        {
            host.WriteLine("kimg " + Version);
            return Task.FromResult(0);
        },
    };
}
