namespace Kimg.Bench.Dotnet;

/// <summary>One of the two that are compared: a target, and how it is told about a registry without TLS.</summary>
internal sealed record PublishSide(string Name, string Target, string[] OwnTasks)
{
    public static PublishSide Kimg { get; } = new("kimg", "BuildImage", ["PrepareImage", "StartKimg", "BuildImage"]);

    public static PublishSide Sdk { get; } = new("SDK", "PublishContainer", ["CreateNewImage"]);
}

/// <param name="Seconds">Wall time of the whole <c>dotnet publish</c>.</param>
/// <param name="Milliseconds">Of the tasks that make the image.</param>
/// <param name="Sent">Bytes that went to the registry.</param>
internal readonly record struct PublishFigures(double Seconds, double Milliseconds, double Sent);
