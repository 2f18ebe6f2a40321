using Kimg.TestKit;
using Microsoft.Build.Logging.StructuredLogger;

namespace Kimg.Tasks.Tests;

/// <summary>What one <c>dotnet</c> run said, on the console and in its binary log.</summary>
public sealed class DotnetRun(ProgramResult result, string log)
{
    private Build? _build;

    public ProgramResult Result => result;

    public string LogFile => log;

    public Build Build => _build ??= BinaryLog.ReadBuild(log);

    public IReadOnlyList<Error> Errors => Build.FindChildrenRecursive<Error>();

    public IReadOnlyList<Warning> Warnings => Build.FindChildrenRecursive<Warning>();

    public DotnetRun Succeeded()
    {
        result.OutputOrThrow();
        return this;
    }

    /// <summary>All texts of the log.</summary>
    public IEnumerable<string> Texts() => Build.FindChildrenRecursive<BaseNode>().Select(node => node.ToString() ?? "").Concat(Build.StringTable.Instances);

    public IReadOnlyList<Target> Targets(string name) => Build.FindChildrenRecursive<Target>(target => target.Name == name);

    public IReadOnlyList<Microsoft.Build.Logging.StructuredLogger.Task> Tasks(string name) =>
        Build.FindChildrenRecursive<Microsoft.Build.Logging.StructuredLogger.Task>(task => task.Name == name);

    public string Property(string task, string parameter) =>
        Tasks(task)[0].FindChildrenRecursive<Property>(property => property.Name == parameter) is [.., var last] ? last.Value : "";
}
