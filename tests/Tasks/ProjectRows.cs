using Microsoft.Build.Logging.StructuredLogger;
using LoggedTask = Microsoft.Build.Logging.StructuredLogger.Task;

namespace Kimg.Tasks.Tests;

/// <summary>Many builds of images in one run of <c>dotnet</c>: each a row of properties, of projects that are published already.</summary>
internal sealed class ProjectRows
{
    private readonly DotnetRun _run;

    private ProjectRows(DotnetRun run) => _run = run;

    /// <param name="rows">A project, relative to the directory, and NAME=VALUE, separated by semicolons.</param>
    public static async System.Threading.Tasks.Task<ProjectRows> BuildAsync(DotnetMachine machine, string directory, params (string Project, string Properties)[] rows)
    {
        await File.WriteAllTextAsync(Path.Combine(directory, "rows.proj"), $"""
            <Project>
              <Target Name="Rows">
                {string.Join("\n    ", rows.Select((row, i) =>
                    $"""<MSBuild Projects="{row.Project}" Targets="BuildImage" ContinueOnError="true" Properties="Row={i};Configuration=Release;NoBuild=true;_IsPublishing=true;{row.Properties}" />"""))}
              </Target>
            </Project>
            """);
        return new ProjectRows(await machine.DotnetAsync(directory, "msbuild", "rows.proj"));
    }

    public string Output => _run.Result.Output;

    public string[] Errors(int row) =>
        [.. Of(row).SelectMany(project => project.FindChildrenRecursive<Error>()).Distinct().Select(error => $"{error.Code}: {error.Text}")];

    /// <summary>An output of the task that builds the image; empty when it did not run.</summary>
    public string Built(int row, string property) => Tasks(row, "BuildImage")
        .SelectMany(task => task.FindChildrenRecursive<Property>(found => found.Name == property)).LastOrDefault()?.Value ?? "";

    public bool Ran(int row, string task) => Tasks(row, task).Any();

    private IEnumerable<LoggedTask> Tasks(int row, string name) =>
        Of(row).SelectMany(project => project.FindChildrenRecursive<LoggedTask>(task => task.Name == name));

    private IEnumerable<Project> Of(int row) =>
        _run.Build.FindChildrenRecursive<Project>(project => project.GlobalProperties.TryGetValue("Row", out string? value) && value == $"{row}");
}
