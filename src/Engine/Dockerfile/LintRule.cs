namespace Kimg.Engine.Dockerfile;

/// <summary>A lint rule. <paramref name="Message"/> is a composite format for the finding; <paramref name="Page"/> ends the address of its
/// documentation, null when it has none.</summary>
internal sealed record LintRule(string Name, string Description, string Message, string? Page)
{
    /// <summary>Only reported when asked for by <c>experimental=</c>.</summary>
    public bool Experimental { get; init; }

    public string? Url => Page is null ? null : $"https://docs.docker.com/go/dockerfile/rule/{Page}/";
}
