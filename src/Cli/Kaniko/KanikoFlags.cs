using System.Collections.Immutable;
using Kimg.Cli.CommandLine;
using Kimg.Engine.Primitives;
using static Kimg.Cli.Kaniko.KanikoMeaning;

namespace Kimg.Cli.Kaniko;

/// <summary>Every flag of Kaniko (1.28 of osscontainertools, with those only older ones have) and Kimia (1.0.23).</summary>
internal static class KanikoFlags
{
    private const string Kaniko = "Kaniko", Kimia = "Kimia", Both = "both";

    public static readonly ImmutableArray<KanikoFlag> All =
    [
        One("context", Both, Honoured, "directory, dir://, tar://FILE, tar://stdin, git://, https:// (a tarball, or a repository when it ends in .git or a git flag is given); gs://, s3:// and Azure blobs are refused")
            with { Short = 'c', Value = "CONTEXT", Default = "/workspace/" },
        One("context-sub-path", Both, Honoured, "a directory inside the context that takes its place") with { Value = "DIR" },
        One("dockerfile", Both, Honoured, "looked for from the current directory, then in the context; not downloaded") with { Short = 'f', Value = "FILE", Default = "Dockerfile" },
        Many("destination", Both, Honoured, "a name to push to") with { Short = 'd', Value = "IMAGE" },
        One("target", Both, Honoured, "the stage to build; only one") with { Short = 't', Value = "STAGE" },
        Many("build-arg", Both, Honoured, "set an ARG; without a value it is taken from the environment") with { Value = "NAME[=VALUE]" },
        Many("label", Both, Honoured, "set a label of the image") with { Value = "KEY=VALUE" },
        Many("annotation", Kaniko, Honoured, "set an annotation of the manifest") with { Value = "KEY=VALUE" },
        Many("secret", Kaniko, Honoured, "a secret for RUN --mount=type=secret; unlike there, only steps that mount it see it") with { Value = "id=ID[,src=FILE|,env=NAME]" },
        One("custom-platform", Both, Honoured, "the platform to build for") with { Value = "OS/ARCH[/VARIANT]" },
        One("customPlatform", Kaniko, Honoured, "old spelling of --custom-platform") with { Value = "OS/ARCH[/VARIANT]" },

        Flag("no-push", Both, Honoured, "build and do not push"),
        One("tar-path", Both, Honoured, "also write a docker archive") with { Value = "FILE" },
        One("tarPath", Kaniko, Honoured, "old spelling of --tar-path") with { Value = "FILE" },
        One("oci-layout-path", Kaniko, Honoured, "also write an OCI layout") with { Value = "DIR" },
        One("digest-file", Both, Honoured, "write the digest of the image") with { Value = "FILE" },
        One("image-name-with-digest-file", Both, Honoured, "write NAME@DIGEST, a line for each destination") with { Value = "FILE" },
        One("image-name-tag-with-digest-file", Kaniko, Honoured, "write NAME:TAG@DIGEST, a line for each destination") with { Value = "FILE" },
        One("compression", Kaniko, Honoured, "gzip or zstd") with { Value = "ALGORITHM", Default = "gzip" },
        One("compression-level", Kaniko, Honoured, "0 to 9 for gzip, 0 to 22 for zstd; -1 is the default") with { Value = "N" },
        One("image-format", Kaniko, Honoured, "oci or docker; without it OCI (there: as the base image)") with { Value = "FORMAT" },
        Flag("reproducible", Both, Honoured, "times are SOURCE_DATE_EPOCH, or 1970 when that is not set; without it too, the same files give the same layers"),
        One("timestamp", Kimia, Honoured, "as --reproducible, with these seconds since 1970") with { Value = "SECONDS" },
        Flag("single-snapshot", Kaniko, Refused, "leave it out; for one layer, let a last stage FROM scratch take everything by one COPY --from"),

        Flag("cache", Both, Honoured, "use and write a cache: --cache-dir, and --cache-repo or NAME/cache of the first destination. What the state directory holds is used in any case"),
        One("cache-repo", Kaniko, Honoured, "the repository of --cache (one tag for what belongs together); oci:DIR is an OCI layout") with { Value = "NAME|oci:DIR" },
        One("cache-dir", Both, Honoured, "--cache also keeps the cache in this directory") with { Value = "DIR" },
        One("cache-ttl", Kaniko, Honoured, "a cache that was written longer ago is not used") with { Value = "DURATION", Default = "336h" },
        Flag("cache-copy-layers", Kaniko, Already, "COPY is always cached"),
        Flag("cache-run-layers", Kaniko, Refused, "give --no-cache to kimg build") with { Harmless = ["true"] },
        Flag("no-push-cache", Kaniko, Honoured, "use the cache and do not write it"),
        Flag("compressed-caching", Kaniko, Already, "layers are streams and never held in memory"),
        Many("export-cache", Kimia, Honoured, "as --cache-to of kimg build") with { Value = "DESTINATION" },
        Many("import-cache", Kimia, Honoured, "as --cache-from of kimg build") with { Value = "SOURCE" },

        Flag("insecure", Both, Honoured, "plain http or unverified TLS for the destinations' registries"),
        Flag("skip-tls-verify", Kaniko, Honoured, "the same as --insecure"),
        Many("insecure-registry", Both, Honoured, "plain http or unverified TLS for this registry") with { Value = "HOST[:PORT]" },
        Many("skip-tls-verify-registry", Kaniko, Honoured, "the same as --insecure-registry") with { Value = "HOST[:PORT]" },
        Flag("insecure-pull", Both, Refused, "name the registries: --insecure-registry HOST"),
        Flag("skip-tls-verify-pull", Kaniko, Refused, "name the registries: --insecure-registry HOST, or trust their authority: --registry-certificate HOST=FILE"),
        Many("registry-certificate", Both, Honoured, "Kaniko: HOST=FILE, a certificate authority for this registry; Kimia: a directory laid out as docker's certs.d") with { Value = "HOST=FILE|DIR" },
        Many("registry-client-cert", Kaniko, Honoured, "a client certificate for this registry") with { Value = "HOST=CERT,KEY" },
        Many("registry-mirror", Kaniko, Honoured, "pull from it first, in place of docker.io") with { Value = "MIRROR" },
        Many("registry-map", Kaniko, Honoured, "pull from other registries first") with { Value = "REGISTRY=MIRROR;…" },
        Flag("skip-default-registry-fallback", Kaniko, Refused, "name the mirror in FROM; or let the network refuse docker.io"),
        One("push-retry", Both, Honoured, "a request is tried at least N+1 times; never fewer than 5") with { Value = "N" },
        One("image-download-retry", Both, Honoured, "the same as --push-retry") with { Value = "N" },
        One("image-fs-extract-retry", Kaniko, Honoured, "the same as --push-retry: what is tried again is the download") with { Value = "N" },
        Flag("push-ignore-immutable-tag-errors", Kaniko, Refused, "ask before: kimg inspect NAME:TAG || kimg kaniko …"),
        Flag("skip-push-permission-check", Kaniko, Already, "there is no such check; a refused push is an error that says why"),
        Many("credential-helpers", Kaniko, Refused, "leave it out: each cloud is only asked for its own registries, and others never (docs/credentials.md)") with { Value = "NAME" },
        One("azure-container-registry-config", Kaniko, Refused, "set AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET, or use workload identity") with { Value = "FILE" },

        Many("git", Kaniko, Honoured, "branch=NAME, recurse-submodules=BOOL; single-branch and depth change nothing (only what is built is fetched); insecure-skip-tls=true is refused") with { Value = "KEY=VALUE" },
        One("git-branch", Kimia, Honoured, "the branch or tag of a git context") with { Value = "NAME" },
        One("git-revision", Kimia, Honoured, "the commit of a git context") with { Value = "COMMIT" },
        One("git-token-file", Kimia, Honoured, "the token for the git context's host") with { Value = "FILE" },
        One("git-token-user", Kimia, Honoured, "the user of that token") with { Value = "NAME", Default = "oauth2" },
        One("bucket", Kaniko, Refused, "mount the bucket's content, or give a signed https:// address") with { Short = 'b', Value = "NAME" },

        One("verbosity", Both, Honoured, "trace, debug, info, warn, error, fatal or panic; from warn on only errors are shown") with { Short = 'v', Value = "LEVEL", Default = "info" },
        Flag("log-timestamp", Both, Honoured, "each line of the log begins with its time"),

        Flag("force", Kaniko, Already, "steps never run in kimg's own root file system, so it may run anywhere"),
        Flag("cleanup", Kaniko, Already, "nothing is unpacked over kimg's own root file system"),
        Flag("pre-cleanup", Kaniko, Already, "nothing is unpacked over kimg's own root file system"),
        Flag("preserve-context", Kaniko, Already, "the context is never changed"),
        Flag("materialize", Kaniko, Refused, "write the files where you want them: kimg build --output DIR"),
        One("kaniko-dir", Kaniko, Honoured, "the state directory is DIR/kimg: on a volume it serves later builds, also without --cache") with { Value = "DIR" },
        Flag("dryrun", Kaniko, Refused, "kimg check finds what is wrong with a Dockerfile; kimg build --call=outline shows what it takes"),
        One("snapshot-mode", Kaniko, Already, "what a step changed is always found whole; full, redo and time are the same") with { Value = "MODE" },
        One("snapshotMode", Kaniko, Already, "old spelling of --snapshot-mode") with { Value = "MODE" },
        Flag("use-new-run", Kaniko, Already, "the changes of a step are recorded while it runs"),
        Flag("ignore-var-run", Kaniko, Already, "nothing of the pod shows in a step, so there is nothing to leave out of /var/run"),
        Flag("whitelist-var-run", Kaniko, Already, "old spelling of --ignore-var-run"),
        Many("ignore-path", Kaniko, Refused, "mount something there: RUN --mount=type=tmpfs,target=PATH") with { Value = "PATH" },
        Flag("force-build-metadata", Kaniko, Already, "it is the default there, too"),
        Flag("skip-unused-stages", Kaniko, Already, "stages that nothing needs are never built"),

        One("storage-driver", Kimia, Honoured, "native (vfs is the same) or overlay") with { Value = "DRIVER" },
        One("attestation", Kimia, Refused, "leave it out") with { Value = "MODE", Harmless = ["off"] },
        Many("attest", Kimia, Refused, "leave it out") with { Value = "TYPE" },
        Flag("sign", Kimia, Refused, "sign the digest that --digest-file gives: cosign sign --key KEY NAME@DIGEST"),
        One("cosign-key", Kimia, Refused, "give it to cosign") with { Value = "FILE" },
        One("cosign-password-env", Kimia, Refused, "give it to cosign") with { Value = "NAME" },
        Many("buildkit-opt", Kimia, Refused, "use the options of kimg build; they are those of docker buildx build") with { Value = "KEY=VALUE" },
        Many("buildah-opt", Kimia, Refused, "use the options of kimg build") with { Value = "FLAG" },
        Flag("scan", Kimia, Refused, "run a scanner on the pushed digest"),
        Flag("harden", Kimia, Refused, "leave it out"),
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
