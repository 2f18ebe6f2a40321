using Microsoft.Build.Logging.StructuredLogger;

namespace Kimg.Tasks.Tests;

/// <summary>Several builds of one project in one <c>dotnet</c> run, one after the other: a start of its own for each would cost seconds.</summary>
public sealed class BuildRows(DotnetRun run)
{
    /// <param name="rows">Properties (NAME=VALUE, separated by ';', values escaped) and targets; what begins with '!' is a command of the shell instead.</param>
    public static async Task<BuildRows> RunAsync(
        DotnetMachine machine, string project, IEnumerable<(string Properties, string Targets)> rows, string common = "", params (string Name, string Value)[] variables)
    {
        string file = Assert(Directory.GetFiles(project, "*.csproj"));
        string calls = string.Join("\n    ", rows.Select((row, i) => row.Properties.StartsWith('!')
            ? $"""<Exec Command="{row.Properties[1..]}" />"""
            : $"""<MSBuild Projects="{file}" Targets="{row.Targets}" ContinueOnError="true" Properties="Row={i};Configuration=Release;{common};{row.Properties}" />"""));
        await File.WriteAllTextAsync(Path.Combine(project, "rows.proj"), $"<Project>\n  <Target Name=\"All\">\n    {calls}\n  </Target>\n</Project>\n");
        return new BuildRows(await machine.DotnetWithAsync(variables, project, "msbuild", "rows.proj"));

        static string Assert(string[] files) => Path.GetFileName(Xunit.Assert.Single(files));
    }

    public static Task<BuildRows> RunAsync(
        DotnetMachine machine, string project, IEnumerable<string> rows, string common = "", params (string Name, string Value)[] variables) =>
        RunAsync(machine, project, rows.Select(row => (row, "BuildImage")), common, variables);

    public Row this[int row] => new(run, row);

    /// <summary>One of the builds.</summary>
    public sealed class Row(DotnetRun run, int number)
    {
        private IEnumerable<Project> Projects =>
            run.Build.FindChildrenRecursive<Project>(p => p.GlobalProperties.TryGetValue("Row", out string? row) && row == $"{number}");

        public Error[] Errors => [.. Projects.SelectMany(p => p.FindChildrenRecursive<Error>()).Distinct()];

        public Warning[] Warnings => [.. Projects.SelectMany(p => p.FindChildrenRecursive<Warning>()).Distinct()];

        public IEnumerable<string> Messages => Projects.SelectMany(p => p.FindChildrenRecursive<Message>()).Select(message => message.Text);

        public bool Ran(string target) => Projects.SelectMany(p => p.FindChildrenRecursive<Target>(t => t.Name == target && t.Children.Count > 0)).Any();

        /// <summary>What the last task that sets it has set.</summary>
        public string Output(string property) => Projects.SelectMany(p => p.FindChildrenRecursive<Property>(found => found.Name == property)).LastOrDefault()?.Value
            ?? throw new InvalidOperationException($"row {number} has no {property}: {string.Join(" | ", Errors.Select(e => e.Text))} {run.Result.Output}");

        public string Digest => Output("KimgImageDigest");

        public bool UpToDate => bool.Parse(Output("KimgUpToDate"));
    }
}
