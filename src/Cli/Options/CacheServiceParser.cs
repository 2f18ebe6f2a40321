using System.Collections.Immutable;
using System.Globalization;
using Kimg.Engine.Cache;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Options;

/// <summary>The caches that are services: type=gha, s3 and azblob, with the variables that stand in for what is not given.</summary>
internal static class CacheServiceParser
{
    public static readonly string[] GitHubKeys = ["url", "url_v2", "token", "scope", "timeout", "version", "repository", "ghtoken"];

    public static readonly string[] S3Keys =
    [
        "region", "bucket", "endpoint_url", "use_path_style", "prefix", "blobs_prefix", "manifests_prefix", "name", "access_key_id", "secret_access_key",
        "session_token", "touch_refresh", "upload_parallelism", "retry_max_attempts", "retry_mode", "disable_accept_encoding",
    ];

    public static readonly string[] AzureKeys =
        ["account_url", "account_name", "container", "prefix", "blobs_prefix", "manifests_prefix", "name", "secret_access_key", "upload_parallelism"];

    /// <summary>Outside a job of GitHub there is no such cache; builds go on without it. With <c>repository</c> and <c>ghtoken</c> BuildKit asks GitHub what is there;
    /// kimg asks the cache service itself and needs neither.</summary>
    public static CacheLocation GitHub(CacheAttributes attributes, CliHost host)
    {
        if (attributes.Value("version") is { } version and not "2") throw attributes.Source.Invalid($"there is no version '{version}' of the service any more", "leave out version=");
        string? url = attributes.Value("url_v2") ?? attributes.Value("url") ?? Variable(host, "ACTIONS_RESULTS_URL"), token = attributes.Value("token") ?? Variable(host, "ACTIONS_RUNTIME_TOKEN");
        TimeSpan timeout = attributes.Value("timeout") is { } time ? Durations.Parse(attributes.Source, time) : TimeSpan.FromMinutes(10);
        if (timeout == TimeSpan.Zero) throw attributes.Source.Invalid("timeout=0 is no time at all", "for example timeout=10m");
        Uri? address = url is null ? null : Url(attributes, url);
        if (address is null || token is null)
        {
            return new UnavailableCache("gha", attributes.Source.Invalid(
                $"{(url is null ? "ACTIONS_RESULTS_URL" : "ACTIONS_RUNTIME_TOKEN")} is not set",
                "GitHub gives both to actions but not to run: steps; crazy-max/ghaction-github-runtime passes them on"));
        }

        return new GitHubCache(address, new Secret(token)) { Scope = attributes.Value("scope") is { Length: > 0 } scope ? scope : null, Timeout = timeout };
    }

    public static S3Cache S3(CacheAttributes attributes, CliHost host)
    {
        string? id = attributes.Value("access_key_id"), secret = attributes.Value("secret_access_key");
        if (id is null != secret is null) throw attributes.Source.Invalid("access_key_id and secret_access_key go together");
        // Both wait longer after each failure, and that is how every request is tried again here. Accept-Encoding, which some proxies change, is never signed.
        if (attributes.Value("retry_mode") is { } mode and not ("standard" or "adaptive")) throw attributes.Source.Invalid($"unknown retry_mode '{mode}'", "standard or adaptive");
        _ = attributes.Bool("disable_accept_encoding");
        var defaults = new S3Cache("", "");
        return new S3Cache(
            attributes.Value("region") ?? Variable(host, "AWS_REGION") ?? Variable(host, "AWS_DEFAULT_REGION") ?? throw Missing(attributes, "region", "AWS_REGION"),
            attributes.Value("bucket") ?? Variable(host, "AWS_BUCKET") ?? throw Missing(attributes, "bucket", "AWS_BUCKET"))
        {
            Endpoint = attributes.Value("endpoint_url") is { } endpoint ? Url(attributes, endpoint).AbsoluteUri : null,
            UsePathStyle = attributes.Bool("use_path_style") ?? false,
            Prefix = attributes.Value("prefix") ?? "",
            BlobsPrefix = attributes.Value("blobs_prefix") ?? defaults.BlobsPrefix,
            ManifestsPrefix = attributes.Value("manifests_prefix") ?? defaults.ManifestsPrefix,
            Names = Names(attributes),
            AccessKeyId = id,
            SecretAccessKey = secret is null ? null : new Secret(secret),
            SessionToken = attributes.Value("session_token") is { } token ? new Secret(token) : null,
            TouchRefresh = attributes.Value("touch_refresh") is { } refresh ? Durations.Parse(attributes.Source, refresh) : defaults.TouchRefresh,
            Parallel = Number(attributes, "upload_parallelism") ?? defaults.Parallel,
            Attempts = Number(attributes, "retry_max_attempts") ?? defaults.Attempts,
        };
    }

    public static AzureBlobCache Azure(CacheAttributes attributes, CliHost host)
    {
        string url = attributes.Value("account_url") ?? Variable(host, "BUILDKIT_AZURE_STORAGE_ACCOUNT_URL")
            ?? throw Missing(attributes, "account_url", "BUILDKIT_AZURE_STORAGE_ACCOUNT_URL");
        string? signature = Variable(host, "AZURE_STORAGE_SAS_TOKEN");
        Uri account = Url(attributes, url.Contains('?') || signature is null ? url : url + "?" + signature.TrimStart('?'));
        var defaults = new AzureBlobCache(account);
        return defaults with
        {
            AccountName = attributes.Value("account_name") ?? Variable(host, "BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME"),
            Container = attributes.Value("container") ?? Variable(host, "BUILDKIT_AZURE_STORAGE_CONTAINER") ?? defaults.Container,
            Prefix = attributes.Value("prefix") ?? Variable(host, "BUILDKIT_AZURE_STORAGE_PREFIX") ?? "",
            BlobsPrefix = attributes.Value("blobs_prefix") ?? defaults.BlobsPrefix,
            ManifestsPrefix = attributes.Value("manifests_prefix") ?? defaults.ManifestsPrefix,
            Names = Names(attributes),
            SecretAccessKey = attributes.Value("secret_access_key") is { } secret ? new Secret(secret) : null,
            Parallel = Number(attributes, "upload_parallelism") ?? defaults.Parallel,
        };
    }

    private static ImmutableArray<string> Names(CacheAttributes attributes) =>
        [.. (attributes.Value("name") ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];

    private static int? Number(CacheAttributes attributes, string key)
    {
        if (attributes.Value(key) is not { } text) return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value is > 0 and <= 64
            ? value
            : throw attributes.Source.Invalid($"'{text}' is no number from 1 to 64");
    }

    private static Uri Url(CacheAttributes attributes, string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "https" or "http" ? url : throw attributes.Source.Invalid("that is no http or https address");

    private static KimgException Missing(CacheAttributes attributes, string key, string variable) =>
        attributes.Source.Invalid($"{key}= is missing", $"add {key}=…, or set {variable}");

    private static string? Variable(CliHost host, string name) => host.Variable(name) is { Length: > 0 } value ? value : null;
}
