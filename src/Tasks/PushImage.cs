using System.Text.Json;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Microsoft.Build.Framework;

namespace Kimg.Tasks;

/// <summary>Pushes what <see cref="BuildImage"/> left in the store.</summary>
public sealed class PushImage : KimgTask
{
    public ITaskItem[] Images { get; set; } = [];

    private protected override IEnumerable<string> NewNames => Images.Select(image => image.ItemSpec);

    protected override void Run()
    {
        if (Images.Length == 0 || Images[0].GetMetadata("Stored") != "true")
        {
            throw new KimgException(ErrorCode.InvalidProjectProperty, "there is no image in the store of kimg to push")
            {
                Hint = "leave ContainerArchiveOutputPath, LocalRegistry and KimgOutput out, or push what they wrote",
            };
        }

        KimgProcess process = CreateProcess(Path.GetDirectoryName(ProjectFile)!);
        foreach (ITaskItem image in Images)
        {
            string name = image.ItemSpec;
            if (ImageReference.Parse(name).Registry == ImageReference.DockerHub && ContainerRegistry.Length == 0)
                throw new KimgException(ErrorCode.InvalidProjectProperty, $"ContainerRegistry is not set: '{name}' has no registry to be pushed to");
            var settings = new Settings { Registries = Settings.RegistriesOf([name]), Names = ContainerRegistry.Length > 0 ? "ContainerRegistry" : "KimgImageNames" };
            string? digest = Ask(process, ["push", "--quiet", .. EngineOptions(sandbox: false), name], settings.Of);
            if (digest is null) return;
            Log.LogMessage(MessageImportance.High, "{0} -> {1} ({2}, pushed)", Path.GetFileNameWithoutExtension(ProjectFile), name, digest.Trim());
        }
    }
}

/// <summary>Shows what the image is made of, and gives its manifest and configuration to later targets.</summary>
public sealed class InspectImage : KimgTask
{
    public ITaskItem[] Images { get; set; } = [];

    private protected override IEnumerable<string> NewNames => Images.Select(image => image.ItemSpec);

    [Output]
    public string Json { get; set; } = "";

    /// <summary>The manifest or index as it is.</summary>
    [Output]
    public string Manifest { get; set; } = "";

    /// <summary>Empty for an index.</summary>
    [Output]
    public string Configuration { get; set; } = "";

    protected override void Run()
    {
        if (Images.Length == 0) return;
        // An image of this name in the store would be another one.
        if (Images[0].GetMetadata("Pushed") != "true" && Images[0].GetMetadata("Stored") != "true")
        {
            throw new KimgException(ErrorCode.InvalidProjectProperty, "there is no image in the store of kimg or in a registry to inspect")
            {
                Hint = "leave ContainerArchiveOutputPath, LocalRegistry and KimgOutput out, or look at what they wrote with other tools",
            };
        }

        KimgProcess process = CreateProcess(Path.GetDirectoryName(ProjectFile)!);
        string location = Images[0].GetMetadata("Pushed") == "true" ? Images[0].ItemSpec : "store://" + Images[0].ItemSpec;
        Json = Inspect(process, "--json", location);
        Manifest = Inspect(process, "--raw", location);
        if (Json.Length == 0) return;
        foreach (string line in Inspect(process, null, location).Split('\n'))
            Log.LogMessage(MessageImportance.High, "{0}", line);
        using var json = JsonDocument.Parse(Json);
        JsonElement images = json.RootElement.GetProperty("images");
        if (images.GetArrayLength() == 1) Configuration = images[0].GetProperty("config").GetRawText();
    }

    private string Inspect(KimgProcess process, string? form, string location) =>
        Ask(process, ["inspect", .. form is null ? Array.Empty<string>() : [form], .. EngineOptions(sandbox: false), location],
            (new Settings { Registries = Settings.RegistriesOf([Images[0].ItemSpec]) }).Of) ?? "";
}
