using Kimg.Cli.CommandLine;
using Kimg.Cli.Facade;
using Kimg.Cli.Options;
using Kimg.Engine.Sandbox;

namespace Kimg.Cli.Verbs;

internal static class DoctorVerb
{
    public static Verb Create() => new()
    {
        Name = "doctor",
        Summary = "Tell what this machine allows, and how to allow more",
        Options = [EngineOptionRows.StateDirectory, EngineOptionRows.Isolation, EngineOptionRows.StorageDriver, EngineOptionRows.Emulator],
        Run = async (arguments, host, token) =>
        {
            await using IEngine engine = EngineOptionRows.Open(arguments, host);
            HostReport report = await engine.ExamineHostAsync(token);
            int column = report.Findings.Select(f => f.Name.Length).Append(14).Max() + 2;
            host.WriteLine($"{"isolation".PadRight(column)}     {report.Isolation}");
            host.WriteLine($"{"storage driver".PadRight(column)}     {report.StorageDriver}");
            foreach (HostFinding finding in report.Findings)
            {
                host.WriteLine($"{finding.Name.PadRight(column)}{(finding.Works ? "ok" : "no"),-5}{finding.Detail}".TrimEnd());
                if (finding is { Works: false, Fix: { } fix }) host.WriteLine($"{new string(' ', column)}     fix: {fix}");
            }

            return 0;
        },
    };
}
