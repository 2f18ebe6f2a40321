using Microsoft.Build.Framework;

namespace Kimg.Tasks;

/// <summary>Builds the image. The names are those of the project's properties and items, which docs/msbuild.md explains.</summary>
public sealed partial class BuildImage : KimgTask
{
    /// <summary>Dockerfile, Project or DockerfileBase.</summary>
    [Required]
    public string Mode { get; set; } = "";

    [Required]
    public string ProjectName { get; set; } = "";

    [Required]
    public string AssemblyName { get; set; } = "";

    /// <summary>Where what is made on the way is kept; absolute.</summary>
    [Required]
    public string WorkDirectory { get; set; } = "";

    /// <summary>The result as JSON goes here; absolute.</summary>
    [Required]
    public string MetadataFile { get; set; } = "";

    /// <summary>Publish directories, one for each runtime identifier (metadata RuntimeIdentifier, AppCommand).</summary>
    public ITaskItem[] PublishOutput { get; set; } = [];

    public string[] Platforms { get; set; } = [];

    /// <summary>What the project is built for, when it says so.</summary>
    public string[] RuntimeIdentifiers { get; set; } = [];

    public string Dockerfile { get; set; } = "";

    public string Context { get; set; } = "";

    public string Target { get; set; } = "";

    public string Repository { get; set; } = "";

    public string[] ImageTags { get; set; } = [];

    public string[] ImageNames { get; set; } = [];

    /// <summary>True, false, or empty: when there is a registry.</summary>
    public string Push { get; set; } = "";

    public string LocalRegistry { get; set; } = "";

    public string ArchiveOutputPath { get; set; } = "";

    public string ImageFormat { get; set; } = "";

    public ITaskItem[] Outputs { get; set; } = [];

    public string WorkingDirectory { get; set; } = "";

    public string User { get; set; } = "";

    public string AppCommandInstruction { get; set; } = "";

    public string[] Entrypoint { get; set; } = [];

    public string[] EntrypointArgs { get; set; } = [];

    public string[] AppCommand { get; set; } = [];

    public string[] AppCommandArgs { get; set; } = [];

    public string[] DefaultArgs { get; set; } = [];

    public ITaskItem[] Labels { get; set; } = [];

    public ITaskItem[] Ports { get; set; } = [];

    public ITaskItem[] EnvironmentVariables { get; set; } = [];

    public bool GenerateDigestLabel { get; set; }

    public ITaskItem[] BuildArgs { get; set; } = [];

    /// <summary>Passed when the Dockerfile has an ARG of the name and <see cref="BuildArgs"/> says nothing.</summary>
    public ITaskItem[] DefaultBuildArgs { get; set; } = [];

    public ITaskItem[] BuildContexts { get; set; } = [];

    public ITaskItem[] Secrets { get; set; } = [];

    public ITaskItem[] Ssh { get; set; } = [];

    public ITaskItem[] Annotations { get; set; } = [];

    public ITaskItem[] CacheFrom { get; set; } = [];

    public ITaskItem[] CacheTo { get; set; } = [];

    public string Sbom { get; set; } = "";

    public string Provenance { get; set; } = "";

    public string NoCache { get; set; } = "";

    public string Pull { get; set; } = "";

    /// <summary>Further options of <c>kimg build</c>, as they are.</summary>
    public string[] BuildOptions { get; set; } = [];

    public string Incremental { get; set; } = "";

    /// <summary>Ask registries whether the base has moved and the image is still there before nothing is done.</summary>
    public string CheckRemote { get; set; } = "";

    /// <summary>Only write the Dockerfile here; empty: build.</summary>
    public string AsFile { get; set; } = "";

    public string Portable { get; set; } = "";

    [Output]
    public string Digest { get; set; } = "";

    [Output]
    public string ImageId { get; set; } = "";

    [Output]
    public string MediaType { get; set; } = "";

    [Output]
    public string BaseDigest { get; set; } = "";

    [Output]
    public string ArchivePath { get; set; } = "";

    [Output]
    public bool Pushed { get; set; }

    /// <summary>Nothing had changed and nothing was done.</summary>
    [Output]
    public bool UpToDate { get; set; }

    /// <summary>One for each name (metadata Digest, ImageId, MediaType, Pushed, Stored, ArchivePath, MetadataFile).</summary>
    [Output]
    public ITaskItem[] Images { get; set; } = [];
}
