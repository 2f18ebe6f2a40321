using System.Text;

namespace Kimg.Ci.Hosts;

/// <summary>Azure Pipelines (logging commands).</summary>
internal sealed class AzureHost(Func<string, string?> variable) : CiHost("azure", Read(variable), variable)
{
    public override string BeginGroup(string id, string title, DateTimeOffset at) => $"##[group]{OneLine(title)}\n";

    public override string EndGroup(string id, DateTimeOffset at) => "##[endgroup]\n";

    public override string Annotate(CiAnnotation annotation)
    {
        var text = new StringBuilder("##vso[task.logissue type=").Append(annotation.Error ? "error" : "warning");
        if (annotation.File is { } file) text.Append(";sourcepath=").Append(Escape(file));
        if (annotation.Line > 0) text.Append(";linenumber=").Append(annotation.Line);
        return text.Append(";code=").Append(Escape(annotation.Title)).Append(']').Append(Data(annotation.Message)).Append('\n').ToString();
    }

    public override string Mask(string secret) =>
        string.Concat(SecretLines(secret).Select(line => $"##vso[task.setsecret]{Data(line)}\n"));

    public override string Publish(IReadOnlyList<KeyValuePair<string, string>> outputs) =>
        string.Concat(outputs.Select(o => $"##vso[task.setvariable variable={Escape(VariableName(o.Key))};isOutput=true]{Data(o.Value)}\n"));

    // azure-pipelines-agent, CommandStringConvertor.
    private static string Data(string text) =>
        text.Replace("%", "%AZP25", StringComparison.Ordinal).Replace("\r", "%0D", StringComparison.Ordinal).Replace("\n", "%0A", StringComparison.Ordinal);

    private static string Escape(string text) =>
        Data(text).Replace("]", "%5D", StringComparison.Ordinal).Replace(";", "%3B", StringComparison.Ordinal);

    private static CiFacts Read(Func<string, string?> variable) => new()
    {
        Ref = variable("BUILD_SOURCEBRANCH") ?? "",
        Commit = variable("BUILD_SOURCEVERSION") ?? "",
        Event = variable("BUILD_REASON") switch
        {
            "Schedule" => "schedule",
            "PullRequest" => "pull_request",
            null => "",
            _ => "push",
        },
        BaseBranch = variable("SYSTEM_PULLREQUEST_TARGETBRANCH")?.Replace("refs/heads/", "", StringComparison.Ordinal),
        Repository = (variable("BUILD_REPOSITORY_NAME") ?? "").Split('/')[^1],
        Url = CiFacts.UrlOf(variable("BUILD_REPOSITORY_URI")),
        Workspace = variable("BUILD_SOURCESDIRECTORY"),
        RunUrl = variable("SYSTEM_COLLECTIONURI") is { } collection ? $"{collection}{variable("SYSTEM_TEAMPROJECT")}/_build/results?buildId={variable("BUILD_BUILDID")}" : null,
        Builder = variable("SYSTEM_COLLECTIONURI") is { } server && variable("SYSTEM_DEFINITIONID") is { Length: > 0 } pipeline
            ? $"{server}{variable("SYSTEM_TEAMPROJECT")}/_build?definitionId={pipeline}" : null,
    };
}
