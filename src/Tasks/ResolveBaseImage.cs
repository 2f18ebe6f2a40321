using Microsoft.Build.Framework;
using TaskItem = Microsoft.Build.Utilities.TaskItem;

namespace Kimg.Tasks;

/// <summary>Asks the registry what the chosen base image's name stands for.</summary>
public sealed class ResolveBaseImage : KimgTask
{
    public string[] RuntimeIdentifiers { get; set; } = [];

    public string DefaultRuntimeIdentifier { get; set; } = "";

    public string[] Platforms { get; set; } = [];

    /// <summary>The base (metadata Digest, PlatformDigest, Platform, User).</summary>
    [Output]
    public ITaskItem? Resolved { get; set; }

    [Output]
    public string Digest { get; set; } = "";

    protected override void Run()
    {
        if (BaseImage == "scratch") return;
        string identifier = RuntimeIdentifiers.FirstOrDefault() ?? DefaultRuntimeIdentifier;
        string platform = Platforms.FirstOrDefault() ?? RuntimePlatform.Parse("ContainerRuntimeIdentifier", identifier).ToString();
        string? json = Ask(
            CreateProcess(Path.GetDirectoryName(ProjectFile)!),
            ["inspect", "--json", "--platform=" + platform, .. EngineOptions(sandbox: false), BaseImage],
            (new Settings { Base = Settings.BaseOf(BaseFamily) }).Of);
        if (json is null) return;
        BaseImageInfo found = BaseImageInfo.Read(json);
        Digest = found.Digest;
        Resolved = new TaskItem(BaseImage, new Dictionary<string, string>
        {
            ["Digest"] = found.Digest, ["PlatformDigest"] = found.PlatformDigest, ["Platform"] = platform, ["User"] = found.User,
        });
        Log.LogMessage(MessageImportance.High, "{0}: based on {1}@{2} ({3})", Path.GetFileNameWithoutExtension(ProjectFile), BaseImage, found.Digest, platform);
    }
}
