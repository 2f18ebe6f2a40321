using Kimg.Cli.Facade;
using Kimg.Engine.Build;

namespace Kimg.Cli.Kaniko;

/// <summary>A command line of Kaniko or Kimia in kimg's terms.</summary>
internal sealed record KanikoBuild(BuildRequest Request, EngineOptions Engine)
{
    public string? DigestFile { get; init; }

    public string? NameDigestFile { get; init; }

    public string? NameTagDigestFile { get; init; }

    /// <summary>plain, none or rawjson.</summary>
    public string Progress { get; init; } = "plain";

    public bool Timestamps { get; init; }
}
