using System.Text.Json;
using Kimg.Engine.Primitives;
using Microsoft.Build.Framework;

namespace Kimg.Tasks;

/// <summary>Lints the project's Dockerfile without building it.</summary>
public sealed class CheckDockerfile : KimgTask
{
    [Required]
    public string Dockerfile { get; set; } = "";

    [Required]
    public string Context { get; set; } = "";

    public string Target { get; set; } = "";

    public ITaskItem[] BuildArgs { get; set; } = [];

    protected override void Run()
    {
        KimgProcess process = CreateProcess(Path.GetDirectoryName(ProjectFile)!);
        List<string> arguments = ["check", "--format=json", "--file=" + Dockerfile, .. EngineOptions(sandbox: false)];
        if (Target.Length > 0) arguments.Add("--target=" + Target);
        arguments.AddRange(BuildArgs.Select(argument => $"--build-arg={argument.ItemSpec}={argument.GetMetadata("Value")}"));
        arguments.Add(Context);
        var lines = new BuildLog(Log, Dockerfile);
        ProcessAnswer answer = process.Run(arguments, lines.OnLine);
        int findings = answer.Output.Length > 0 ? Report(lines, answer.Output) : 0;
        if (lines.Failure is { } failure) lines.WriteFailure(failure, ProjectFile, (new Settings { Base = "the Dockerfile" }).Of(failure));
        else if (answer.ExitCode != 0 && answer.ExitCode != ErrorCode.LintFailed.ToExitCode()) lines.WriteFailure(Unknown(answer.ExitCode), ProjectFile, null);
        else if (findings == 0) Log.LogMessage(MessageImportance.High, "{0}: nothing found.", Dockerfile);
    }

    private static int Report(BuildLog lines, string output)
    {
        using var json = JsonDocument.Parse(output);
        JsonElement warnings = json.RootElement.GetProperty("warnings");
        foreach (JsonElement warning in warnings.EnumerateArray())
        {
            (int line, int column, int endLine) = (0, 0, 0);
            if (warning.GetProperty("location").TryGetProperty("ranges", out JsonElement ranges))
            {
                JsonElement start = ranges[0].GetProperty("start");
                line = start.GetProperty("line").GetInt32();
                column = start.TryGetProperty("character", out JsonElement character) ? character.GetInt32() + 1 : 1;
                endLine = ranges[0].GetProperty("end").GetProperty("line").GetInt32();
            }

            string? url = warning.TryGetProperty("url", out JsonElement link) ? link.GetString() : null;
            lines.WriteWarning(warning.GetProperty("ruleName").GetString()!, warning.GetProperty("detail").GetString()!, url, null, line, column, endLine);
        }

        return warnings.GetArrayLength();
    }
}
