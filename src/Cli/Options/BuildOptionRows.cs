using System.Collections.Immutable;
using Kimg.Cli.CommandLine;

namespace Kimg.Cli.Options;

/// <summary>The options of <c>kimg build</c>: those of <c>docker buildx build</c>, and kimg's own.</summary>
internal static class BuildOptionRows
{
    public static readonly OptionRow AddHost = Many("add-host", "HOST:IP", "Add a line to /etc/hosts of the steps");
    public static readonly OptionRow Allow = Many("allow", "ENTITLEMENT", "Allow what a Dockerfile may not do by itself: network.host, security.insecure");
    public static readonly OptionRow Annotation = Many("annotation", "[LEVEL:]KEY=VALUE", "Add an annotation to the image");
    public static readonly OptionRow Attest = Many("attest", "TYPE", "Attestations (only type=…,disabled=true for now)");
    public static readonly OptionRow BuildArg = Many("build-arg", "NAME[=VALUE]", "Set an ARG; without a value it is taken from the environment");
    public static readonly OptionRow BuildContext = Many("build-context", "NAME=VALUE", "A further context: directory, URL, docker-image:// or oci-layout://");
    public static readonly OptionRow Builder = One("builder", "NAME", "Not supported: kimg has no builder instances");
    public static readonly OptionRow CacheFrom = Many("cache-from", "SOURCE", "Use a cache of another machine: NAME, or type=registry|local|gha|s3|azblob,…") with { Configurable = true };
    public static readonly OptionRow CacheTo = Many("cache-to", "DESTINATION", "Write the cache for other machines: NAME, or type=registry|local|inline|gha|s3|azblob,…") with { Configurable = true };

    public static readonly OptionRow Call = One("call", "METHOD", "What to do: build, check, outline, targets; ,format=json or ,format=sarif may follow")
        with { Default = "build" };

    public static readonly OptionRow CgroupParent = One("cgroup-parent", "CGROUP", "Not supported yet");
    public static readonly OptionRow Check = Flag("check", "The same as --call=check");

    public static readonly OptionRow Context = One("context", "CONTEXT", "The context, in place of the argument") with { Path = PathKind.Directory };
    public static readonly OptionRow ContextSubPath = One("context-sub-path", "DIR", "A directory inside the context that takes its place");

    public static readonly OptionRow Dockerfile = One("file", "FILE", "The Dockerfile; - is stdin")
        with { Short = 'f', Path = PathKind.File, Default = "CONTEXT/Dockerfile" };

    public static readonly OptionRow Expect = Many("expect", "NAME@DIGEST", "Build and export nothing when NAME stands for another digest");

    public static readonly OptionRow ImageIdFile = One("iidfile", "FILE", "Write the image ID to a file") with { Path = PathKind.File };
    public static readonly OptionRow Label = Many("label", "KEY=VALUE", "Set a label of the image");
    public static readonly OptionRow Load = Flag("load", "Not supported: use --output=type=docker,dest=FILE");
    public static readonly OptionRow MetadataFile = One("metadata-file", "FILE", "Write the result as JSON to a file") with { Path = PathKind.File };

    public static readonly OptionRow Network = One("network", "MODE", "The network of the steps")
        with { Choices = ["default", "none", "host"], Default = "default", Configurable = true };

    public static readonly OptionRow NoCache = Flag("no-cache", "Do not use the cache") with { Configurable = true };
    public static readonly OptionRow NoCacheFilter = Many("no-cache-filter", "STAGE", "Do not use the cache for these stages");

    public static readonly OptionRow Output = Many("output", "OUTPUT", "Where the result goes: PATH, - (tar), or type=image|oci|docker|tar|local|cacheonly,…")
        with { Short = 'o' };

    public static readonly OptionRow Parallelism = One("max-parallelism", "N", "Steps that run at once") with { Configurable = true };

    public static readonly OptionRow Platforms = Many("platform", "OS/ARCH[/VARIANT]", "Platforms to build for; several give an index")
        with { Configurable = true, OtherVariable = "DOCKER_DEFAULT_PLATFORM" };

    public static readonly OptionRow Policy = Many("policy", "POLICY", "Not supported yet");

    public static readonly OptionRow Progress = One("progress", "TYPE", "How progress is shown (json is rawjson)")
        with
    {
        Choices = ["auto", "tty", "plain", "quiet", "rawjson", "none"], Default = "auto", Configurable = true, OtherVariable = "BUILDKIT_PROGRESS",
    };

    public static readonly OptionRow Provenance = One("provenance", "VALUE", "Provenance attestation (only false for now)") with { Configurable = true };
    public static readonly OptionRow Pull = Flag("pull", "Ask the registry even for images that are known here") with { Configurable = true };
    public static readonly OptionRow Push = Flag("push", "The same as --output=type=image,push=true");
    public static readonly OptionRow Quiet = Flag("quiet", "Show nothing but the image ID") with { Short = 'q' };
    public static readonly OptionRow Resource = Many("resource", "NAME=VALUE", "Not supported yet");
    public static readonly OptionRow Sbom = One("sbom", "VALUE", "SBOM attestation (only false for now)") with { Configurable = true };
    public static readonly OptionRow Secret = Many("secret", "id=ID[,src=FILE|,env=NAME]", "A secret for RUN --mount=type=secret");
    public static readonly OptionRow ShmSize = One("shm-size", "SIZE", "Size of /dev/shm of the steps") with { Default = "64m" };
    public static readonly OptionRow Ssh = Many("ssh", "default|ID[=SOCKET|KEY…]", "An ssh agent or keys for RUN --mount=type=ssh");
    public static readonly OptionRow Tag = Many("tag", "NAME[:TAG]", "Name the image") with { Short = 't' };
    public static readonly OptionRow Target = One("target", "STAGE", "The stage to build") with { Default = "the last" };
    public static readonly OptionRow Ulimit = Many("ulimit", "NAME=SOFT[:HARD]", "A resource limit of the steps");

    public static readonly ImmutableArray<OptionRow> All =
    [
        AddHost, Allow, Annotation, Attest, BuildArg, BuildContext, Builder, CacheFrom, CacheTo, Call, CgroupParent, Check, Context, ContextSubPath,
        Dockerfile, Expect, ImageIdFile, Label, Load, Parallelism, MetadataFile, Network, NoCache, NoCacheFilter, Output, Platforms, Policy, Progress,
        Provenance, Pull, Push, Quiet, Resource, Sbom, Secret, ShmSize, Ssh, Tag, Target, Ulimit, .. EngineOptionRows.All,
    ];

    private static OptionRow Many(string name, string value, string help) => new(name, ValueKind.Many, help) { Value = value };

    private static OptionRow One(string name, string value, string help) => new(name, ValueKind.Single, help) { Value = value };

    private static OptionRow Flag(string name, string help) => new(name, ValueKind.Flag, help);
}
