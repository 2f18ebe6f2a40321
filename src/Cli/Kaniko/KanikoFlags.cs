using System.Collections.Immutable;
using Kimg.Cli.CommandLine;
using Kimg.Engine.Primitives;
using static Kimg.Cli.Kaniko.KanikoMeaning;

namespace Kimg.Cli.Kaniko;

/// <summary>Every flag of Kaniko (1.28 of osscontainertools, with those only older ones have) and Kimia (1.0.23).</summary>
internal static class KanikoFlags
{
    private const string OfKaniko = "Kaniko", OfKimia = "Kimia", Both = "both";

    /// <summary>Not a flag of either: which of them is meant where they differ.</summary>
    public static readonly OptionRow Kimia = new(
        "kimia", ValueKind.Flag, "Read --context as Kimia does: every https:// address is a repository, and $NAME or ${NAME} in it is a variable. So it is when started as kimia");

    public static readonly ImmutableArray<KanikoFlag> All =
    [
        One("context", Both, Honoured, "directory, dir://, tar://FILE, tar://stdin, git://, https:// (Kaniko: a tarball, or a repository when it ends in .git or a git flag is given; Kimia: a repository, with variables in it); gs://, s3:// and Azure blobs are refused")
            with { Short = 'c', Value = "CONTEXT", Default = "/workspace/" },
        One("context-sub-path", Both, Honoured, "a directory inside the context that takes its place") with { Value = "DIR" },
        One("dockerfile", Both, Honoured, "looked for from the current directory, then in the context; not downloaded") with { Short = 'f', Value = "FILE", Default = "Dockerfile" },
        Many("destination", Both, Honoured, "a name to push to") with { Short = 'd', Value = "IMAGE" },
        One("target", Both, Honoured, "the stage to build; only one") with { Short = 't', Value = "STAGE" },
        Many("build-arg", Both, Honoured, "set an ARG; without a value it is taken from the environment") with { Value = "NAME[=VALUE]" },
        Many("label", Both, Honoured, "set a label of the image") with { Value = "KEY=VALUE" },
        Many("annotation", OfKaniko, Honoured, "set an annotation of the manifest") with { Value = "KEY=VALUE" },
        Many("secret", OfKaniko, Honoured, "a secret for RUN --mount=type=secret; unlike there, only steps that mount it see it") with { Value = "id=ID[,src=FILE|,env=NAME]" },
        One("custom-platform", Both, Honoured, "the platform to build for") with { Value = "OS/ARCH[/VARIANT]" },
        One("customPlatform", OfKaniko, Honoured, "old spelling of --custom-platform") with { Value = "OS/ARCH[/VARIANT]" },

        Flag("no-push", Both, Honoured, "build and do not push"),
        One("tar-path", Both, Honoured, "also write a docker archive") with { Value = "FILE" },
        One("tarPath", OfKaniko, Honoured, "old spelling of --tar-path") with { Value = "FILE" },
        One("oci-layout-path", OfKaniko, Honoured, "also write an OCI layout") with { Value = "DIR" },
        One("digest-file", Both, Honoured, "write the digest of the image") with { Value = "FILE" },
        One("image-name-with-digest-file", Both, Honoured, "write NAME@DIGEST, a line for each destination") with { Value = "FILE" },
        One("image-name-tag-with-digest-file", OfKaniko, Honoured, "write NAME:TAG@DIGEST, a line for each destination") with { Value = "FILE" },
        One("compression", OfKaniko, Honoured, "gzip or zstd") with { Value = "ALGORITHM", Default = "gzip" },
        One("compression-level", OfKaniko, Honoured, "0 to 9 for gzip, 0 to 22 for zstd; -1 is the default") with { Value = "N" },
        One("image-format", OfKaniko, Honoured, "oci or docker; without it OCI (there: as the base image)") with { Value = "FORMAT" },
        Flag("reproducible", Both, Honoured, "times are SOURCE_DATE_EPOCH, or 1970 when that is not set; without it too, the same files give the same layers"),
        One("timestamp", OfKimia, Honoured, "as --reproducible, with these seconds since 1970") with { Value = "SECONDS" },
        Flag("single-snapshot", OfKaniko, Refused, "leave it out; for one layer, let a last stage FROM scratch take everything by one COPY --from"),

        Flag("cache", Both, Honoured, "use and write a cache: --cache-dir, and --cache-repo or NAME/cache of the first destination. What the state directory holds is used in any case"),
        One("cache-repo", OfKaniko, Honoured, "the repository of --cache (one tag for what belongs together); oci:DIR is an OCI layout") with { Value = "NAME|oci:DIR" },
        One("cache-dir", Both, Honoured, "--cache also keeps the cache in this directory") with { Value = "DIR" },
        One("cache-ttl", OfKaniko, Honoured, "a cache that was written longer ago is not used") with { Value = "DURATION", Default = "336h" },
        Flag("cache-copy-layers", OfKaniko, Already, "COPY is always cached"),
        Flag("cache-run-layers", OfKaniko, Refused, "give --no-cache to kimg build") with { Harmless = ["true"] },
        Flag("no-push-cache", OfKaniko, Honoured, "use the cache and do not write it"),
        Flag("compressed-caching", OfKaniko, Already, "layers are streams and never held in memory"),
        Many("export-cache", OfKimia, Honoured, "as --cache-to of kimg build") with { Value = "DESTINATION" },
        Many("import-cache", OfKimia, Honoured, "as --cache-from of kimg build") with { Value = "SOURCE" },

        Flag("insecure", Both, Honoured, "plain http or unverified TLS for the destinations' registries"),
        Flag("skip-tls-verify", OfKaniko, Honoured, "the same as --insecure"),
        Many("insecure-registry", Both, Honoured, "plain http or unverified TLS for this registry") with { Value = "HOST[:PORT]" },
        Many("skip-tls-verify-registry", OfKaniko, Honoured, "the same as --insecure-registry") with { Value = "HOST[:PORT]" },
        Flag("insecure-pull", Both, Refused, "name the registries: --insecure-registry HOST"),
        Flag("skip-tls-verify-pull", OfKaniko, Refused, "name the registries: --insecure-registry HOST, or trust their authority: --registry-certificate HOST=FILE"),
        Many("registry-certificate", Both, Honoured, "Kaniko: HOST=FILE, a certificate authority for this registry; Kimia: a directory laid out as docker's certs.d") with { Value = "HOST=FILE|DIR" },
        Many("registry-client-cert", OfKaniko, Honoured, "a client certificate for this registry") with { Value = "HOST=CERT,KEY" },
        Many("registry-mirror", OfKaniko, Honoured, "pull from it first, in place of docker.io") with { Value = "MIRROR" },
        Many("registry-map", OfKaniko, Honoured, "pull from other registries first") with { Value = "REGISTRY=MIRROR;…" },
        Flag("skip-default-registry-fallback", OfKaniko, Refused, "name the mirror in FROM; or let the network refuse docker.io"),
        One("push-retry", Both, Honoured, "a request is tried at least N+1 times; never fewer than 5") with { Value = "N" },
        One("image-download-retry", Both, Honoured, "the same as --push-retry") with { Value = "N" },
        One("image-fs-extract-retry", OfKaniko, Honoured, "the same as --push-retry: what is tried again is the download") with { Value = "N" },
        Flag("push-ignore-immutable-tag-errors", OfKaniko, Refused, "ask before: kimg inspect NAME:TAG || kimg kaniko …"),
        Flag("skip-push-permission-check", OfKaniko, Already, "there is no such check; a refused push is an error that says why"),
        Many("credential-helpers", OfKaniko, Refused, "leave it out: each cloud is only asked for its own registries, and others never (docs/credentials.md)") with { Value = "NAME" },
        One("azure-container-registry-config", OfKaniko, Refused, "set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET, or use workload identity") with { Value = "FILE" },

        Many("git", OfKaniko, Honoured, "branch=NAME, recurse-submodules=BOOL; single-branch and depth change nothing (only what is built is fetched); insecure-skip-tls=true is refused") with { Value = "KEY=VALUE" },
        One("git-branch", OfKimia, Honoured, "the branch or tag of a git context") with { Value = "NAME" },
        One("git-revision", OfKimia, Honoured, "the commit of a git context") with { Value = "COMMIT" },
        One("git-token-file", OfKimia, Honoured, "the token for the git context's host") with { Value = "FILE" },
        One("git-token-user", OfKimia, Honoured, "the user of that token") with { Value = "NAME", Default = "oauth2" },
        One("bucket", OfKaniko, Refused, "mount the bucket's content, or give a signed https:// address") with { Short = 'b', Value = "NAME" },

        One("verbosity", Both, Honoured, "trace, debug, info, warn, error, fatal or panic; from warn on only errors are shown") with { Short = 'v', Value = "LEVEL", Default = "info" },
        Flag("log-timestamp", Both, Honoured, "each line of the log begins with its time"),

        Flag("force", OfKaniko, Already, "steps never run in kimg's own root file system, so it may run anywhere"),
        Flag("cleanup", OfKaniko, Already, "nothing is unpacked over kimg's own root file system"),
        Flag("pre-cleanup", OfKaniko, Already, "nothing is unpacked over kimg's own root file system"),
        Flag("preserve-context", OfKaniko, Already, "the context is never changed"),
        Flag("materialize", OfKaniko, Refused, "write the files where you want them: kimg build --output DIR"),
        One("kaniko-dir", OfKaniko, Honoured, "the state directory is DIR/kimg: on a volume it serves later builds, also without --cache") with { Value = "DIR" },
        Flag("dryrun", OfKaniko, Refused, "kimg check finds what is wrong with a Dockerfile; kimg build --call=outline shows what it takes"),
        One("snapshot-mode", OfKaniko, Already, "what a step changed is always found whole; full, redo and time are the same") with { Value = "MODE" },
        One("snapshotMode", OfKaniko, Already, "old spelling of --snapshot-mode") with { Value = "MODE" },
        Flag("use-new-run", OfKaniko, Already, "the changes of a step are recorded while it runs"),
        Flag("ignore-var-run", OfKaniko, Already, "nothing of the pod shows in a step, so there is nothing to leave out of /var/run"),
        Flag("whitelist-var-run", OfKaniko, Already, "old spelling of --ignore-var-run"),
        Many("ignore-path", OfKaniko, Refused, "mount something there: RUN --mount=type=tmpfs,target=PATH") with { Value = "PATH" },
        Flag("force-build-metadata", OfKaniko, Already, "it is the default there, too"),
        Flag("skip-unused-stages", OfKaniko, Already, "stages that nothing needs are never built"),

        One("storage-driver", OfKimia, Honoured, "native (vfs is the same) or overlay") with { Value = "DRIVER" },
        One("attestation", OfKimia, Refused, "leave it out") with { Value = "MODE", Harmless = ["off"] },
        Many("attest", OfKimia, Refused, "leave it out") with { Value = "TYPE" },
        Flag("sign", OfKimia, Refused, "sign the digest that --digest-file gives: cosign sign --key KEY NAME@DIGEST"),
        One("cosign-key", OfKimia, Refused, "give it to cosign") with { Value = "FILE" },
        One("cosign-password-env", OfKimia, Refused, "give it to cosign") with { Value = "NAME" },
        Many("buildkit-opt", OfKimia, Refused, "use the options of kimg build; they are those of docker buildx build") with { Value = "KEY=VALUE" },
        Many("buildah-opt", OfKimia, Refused, "use the options of kimg build") with { Value = "FLAG" },
        Flag("scan", OfKimia, Refused, "run a scanner on the pushed digest"),
        Flag("harden", OfKimia, Refused, "leave it out"),
    ];

    /// <summary>The rows of docs/migrating.md.</summary>
    public static string Table() => "| flag | of | here |\n|---|---|---|\n" + string.Concat(All.Select(f =>
        $"| `{(f.Short is { } letter ? $"-{letter}, " : "")}--{f.Name}` | {f.Of} | {Cell(f)} |\n")).Replace("<", "&lt;", StringComparison.Ordinal);

    /// <exception cref="KimgException">UnsupportedFeature.</exception>
    public static void Refuse(Arguments arguments)
    {
        foreach (KanikoFlag flag in All.Where(f => f.Meaning == Refused && arguments.IsGiven(f.Row)))
        {
            string value = arguments.Values(flag.Row)[^1];
            bool switchedOff = flag.Kind == ValueKind.Flag && flag.Harmless.IsEmpty && !arguments.Flag(flag.Row);
            if (switchedOff || flag.Harmless.Contains(value)) continue;
            string shown = flag.Kind == ValueKind.Flag && value == "true" ? "" : $"={value}";
            throw new KimgException(ErrorCode.UnsupportedFeature, $"--{flag.Name}{shown} is not supported") { Hint = flag.Here };
        }
    }

    public static OptionRow Row(string name) => All.First(f => f.Name == name).Row;

    private static string Cell(KanikoFlag flag) => (flag.Meaning switch
    {
        Refused => (flag.Harmless.IsEmpty ? "error: " : $"error unless `{string.Join("`, `", flag.Harmless)}`: ") + flag.Here,
        Already => "changes nothing: " + flag.Here,
        _ => flag.Here,
    }).Replace("|", "\\|", StringComparison.Ordinal);

    private static KanikoFlag One(string name, string of, KanikoMeaning meaning, string here) => new(name, ValueKind.Single, of, meaning, here);

    private static KanikoFlag Many(string name, string of, KanikoMeaning meaning, string here) => new(name, ValueKind.Many, of, meaning, here);

    private static KanikoFlag Flag(string name, string of, KanikoMeaning meaning, string here) => new(name, ValueKind.Flag, of, meaning, here);
}
