using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Microsoft.Build.Framework;

namespace Kimg.Tasks;

/// <summary>Looks at what a project asks for before anything is published: finds mistakes early, the mode, and the tags that a version gives.</summary>
public sealed class PrepareImage : KimgTask
{
    /// <summary>Dockerfile, Project, DockerfileBase, or empty: found by itself.</summary>
    public string Mode { get; set; } = "";

    public string Dockerfile { get; set; } = "";

    public string BaseDockerfile { get; set; } = "";

    public string Registry { get; set; } = "";

    public string ImageTag { get; set; } = "";

    public string[] ImageTags { get; set; } = [];

    public string[] ImageNames { get; set; } = [];

    public string ImageFormat { get; set; } = "";

    public string[] TagsFromVersion { get; set; } = [];

    public string Version { get; set; } = "";

    public string Publish { get; set; } = "";

    public string[] RuntimeIdentifiers { get; set; } = [];

    /// <summary>Settings that only count without a Dockerfile, when they are given.</summary>
    public string[] ProjectOnly { get; set; } = [];

    /// <summary>Settings that only count with a Dockerfile, when they are given.</summary>
    public string[] DockerfileOnly { get; set; } = [];

    /// <summary>KimgPlatforms.</summary>
    public string[] Platforms { get; set; } = [];

    /// <summary>RuntimeIdentifiers of the project, which may be those of other systems too.</summary>
    public string[] AllRuntimeIdentifiers { get; set; } = [];

    public string ContainerRuntimeIdentifier { get; set; } = "";

    /// <summary>What a self-contained or native application is published for; empty: it runs anywhere, or is published once for each runtime identifier.</summary>
    public string PublishedFor { get; set; } = "";

    public string Sbom { get; set; } = "";

    public string Provenance { get; set; } = "";

    public string Sign { get; set; } = "";

    public string SigningKey { get; set; } = "";

    [Output]
    public string ChosenMode { get; set; } = "";

    /// <summary>Absolute; empty without one.</summary>
    [Output]
    public string ChosenDockerfile { get; set; } = "";

    /// <summary>All tags; empty: as the SDK chooses.</summary>
    [Output]
    public string[] Tags { get; set; } = [];

    /// <summary>The image needs the project to be published.</summary>
    [Output]
    public bool NeedsPublish { get; set; }

    /// <summary>With <see cref="Platforms"/> the one that the base image is chosen by; empty: as the SDK chooses.</summary>
    [Output]
    public string OneRuntimeIdentifier { get; set; } = "";

    protected override void Run()
    {
        string directory = Path.GetDirectoryName(ProjectFile)!;
        Attestations.Check(Sbom, Provenance, Sign, SigningKey);
        ChosenMode = Choose(directory);
        if (ChosenMode != "Project") FindDockerfile(directory);
        CheckNames();
        if (ImageFormat is not ("" or "Docker" or "OCI"))
            throw new KimgException(ErrorCode.InvalidProjectProperty, $"ContainerImageFormat: unknown value '{ImageFormat}'") { Hint = "it is Docker or OCI" };
        foreach (string identifier in RuntimeIdentifiers) RuntimePlatform.Parse("ContainerRuntimeIdentifier(s)", identifier);
        NeedsPublish = ChosenMode != "Dockerfile" || (Publish.Length > 0 ? ImageOutputs.IsTrue("KimgPublish", Publish) : MentionsPublish());
        if (NeedsPublish) PublishedPlatform.Check(PublishedFor, ContainerRuntimeIdentifier, Platforms);
        if (Platforms.Length > 0) OneRuntimeIdentifier = RuntimePlatform.First([.. RuntimeIdentifiers, .. AllRuntimeIdentifiers]);
        string[] unused = UnusedSettings.Of(ChosenMode, ProjectOnly, DockerfileOnly, BaseDockerfile.Length > 0);
        if (unused.Length > 0)
        {
            string why = ChosenMode == "Project" ? "the image is made without a Dockerfile (remove it, or set KimgMode to Dockerfile)"
                : $"the image is made from '{ChosenDockerfile}' (say it there, or set KimgMode to Project)";
            string code = ErrorCode.UnusedProjectSetting.Name();
            Log.LogWarning(null, code, null, HelpLinks.Of(code), ProjectFile, 0, 0, 0, 0, "{0}", $"{string.Join(", ", unused)}: without effect, because {why}");
        }
    }

    private string Choose(string directory)
    {
        if (Mode is "Dockerfile" or "Project" or "DockerfileBase") return Mode;
        if (Mode.Length > 0)
        {
            throw new KimgException(ErrorCode.InvalidProjectProperty, $"KimgMode: unknown value '{Mode}'")
            {
                Hint = "it is Dockerfile, Project or DockerfileBase; leave it out to have it found",
            };
        }

        if (BaseDockerfile.Length > 0) return "DockerfileBase";
        return Dockerfile.Length > 0 || File.Exists(Path.Combine(directory, "Dockerfile")) ? "Dockerfile" : "Project";
    }

    private void FindDockerfile(string directory)
    {
        bool isBase = ChosenMode == "DockerfileBase";
        string given = isBase && BaseDockerfile.Length > 0 ? BaseDockerfile : Dockerfile.Length > 0 ? Dockerfile : "Dockerfile";
        ChosenDockerfile = Path.GetFullPath(given, directory);
        if (File.Exists(ChosenDockerfile)) return;
        string setting = isBase ? "KimgBaseDockerfile" : "KimgDockerfile";
        throw new KimgException(ErrorCode.DockerfileNotFound, $"{setting}: there is no file '{ChosenDockerfile}'") { Hint = "paths are relative to the project" };
    }

    private void CheckNames()
    {
        List<string> tags = [.. ImageTag.Length > 0 ? [ImageTag] : Array.Empty<string>(), .. ImageTags];
        foreach (string tag in tags) ImageNaming.CheckTag(ImageTag.Length > 0 ? "ContainerImageTag" : "ContainerImageTags", tag);
        foreach (string name in ImageNames) ImageNaming.Checked("KimgImageNames", name);
        if (TagsFromVersion.Length > 0) tags.AddRange(VersionTags.Of(Version, TagsFromVersion));
        if (Registry.Length > 0 && (Registry.Contains("://", StringComparison.Ordinal) || !ImageReference.TryParse(Registry.TrimEnd('/') + "/x", out _)))
        {
            throw new KimgException(ErrorCode.InvalidProjectTag, $"ContainerRegistry: '{Registry}' is no registry")
            {
                Hint = "it is a host, maybe with a port: registry.example.com:5000",
            };
        }

        if (BaseImage.Length > 0 && BaseImage != "scratch" && !ImageReference.TryParse(BaseImage, out _))
        {
            throw new KimgException(ErrorCode.InvalidProjectProperty, $"ContainerBaseImage: '{BaseImage}' is no image name")
            {
                Hint = "for example mcr.microsoft.com/dotnet/aspnet:10.0",
            };
        }

        if (TagsFromVersion.Length > 0) Tags = [.. tags.Distinct()];
    }

    // Publishing takes seconds; a Dockerfile that builds the project itself does not need it.
    private bool MentionsPublish() => PublishContexts.Of(File.ReadAllText(ChosenDockerfile), ChosenDockerfile).AreUsed;
}
