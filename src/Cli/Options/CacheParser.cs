using System.Collections.Immutable;
using System.Globalization;
using Kimg.Cli.CommandLine;
using Kimg.Engine.Archive;
using Kimg.Engine.Cache;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Options;

/// <summary>--cache-from and --cache-to, in buildx's syntax: a name (of an image or cache in a registry), or <c>type=…,key=value</c>.</summary>
internal static class CacheParser
{
    private static readonly string[] s_exportKeys =
        ["mode", "compression", "compression-level", "force-compression", "ignore-error", "mounts", "mounts-max-size"];

    private static readonly string[] s_artifactKeys = ["image-manifest", "oci-mediatypes"];

    public static CacheSource ParseSource(string text, CliHost host)
    {
        CacheAttributes attributes = CacheAttributes.Parse("--cache-from", text);
        CacheLocation location = LocationOf(attributes, host, export: false);
        if (location is InlineCache) throw attributes.Source.Invalid("an inline cache is inside an image", "name the image: type=registry,ref=NAME");
        attributes.Refuse([.. KeysOf(attributes.Type, export: false), "mounts"]);
        return new CacheSource(location) { Mounts = attributes.Bool("mounts") ?? true };
    }

    public static CacheDestination ParseDestination(string text, CliHost host)
    {
        CacheAttributes attributes = CacheAttributes.Parse("--cache-to", text);
        CacheLocation location = LocationOf(attributes, host, export: true);
        string[] export = location is InlineCache ? ["mode"] : location is RegistryCache or LocalCache ? [.. s_exportKeys, .. s_artifactKeys] : s_exportKeys;
        attributes.Refuse([.. KeysOf(attributes.Type, export: true), .. export]);
        bool all = attributes.Value("mode") switch
        {
            null or "min" => false,
            "max" => true,
            var mode => throw attributes.Source.Invalid($"unknown mode '{mode}'", "min (what is in the image) or max (every step)"),
        };
        if (all && location is InlineCache) throw attributes.Source.Invalid("an image only holds its own layers", "use type=registry,mode=max");
        bool oci = attributes.Bool("oci-mediatypes") ?? true, manifest = attributes.Bool("image-manifest") ?? oci;
        if (manifest && !oci) throw attributes.Source.Invalid("an image manifest needs OCI media types", "add image-manifest=false, or leave out oci-mediatypes=false");
        return new CacheDestination(location)
        {
            AllSteps = all,
            OciMediaTypes = oci,
            ImageManifest = manifest,
            // Every layer is made in the compression that is asked for; force-compression alone asks for the usual one.
            Compression = attributes.Value("compression") is { } compression ? CompressionOf(attributes, compression)
                : attributes.Bool("force-compression") == true ? Compression.Gzip : null,
            CompressionLevel = attributes.Value("compression-level") is { } level ? Level(attributes, level) : null,
            IgnoreError = attributes.Bool("ignore-error") ?? true,
            Mounts = MountsOf(attributes),
            MaxMountSize = attributes.Value("mounts-max-size") is { } size ? StepOptionParser.ParseSize("mounts-max-size", size) : new CacheDestination(location).MaxMountSize,
        };
    }

    /// <summary>registry:…, local:… and so on without the options of an export, for <c>kimg cache</c>.</summary>
    public static CacheLocation ParseLocation(string text, CliHost host, string spelling, bool export)
    {
        CacheAttributes attributes = CacheAttributes.Parse(spelling, text);
        CacheLocation location = LocationOf(attributes, host, export);
        attributes.Refuse(KeysOf(attributes.Type, export));
        return location;
    }

    private static CacheLocation LocationOf(CacheAttributes attributes, CliHost host, bool export) => attributes.Type switch
    {
        "registry" => new RegistryCache(ImageReference.Parse(attributes.Needed("ref", "ref=registry.example.com/app:cache"))),
        "local" => Local(attributes, host, export),
        "inline" => new InlineCache(),
        "gha" => CacheServiceParser.GitHub(attributes, host),
        "s3" => CacheServiceParser.S3(attributes, host),
        "azblob" => CacheServiceParser.Azure(attributes, host),
        var type => throw attributes.Source.Invalid($"unknown type '{type}'", DidYouMean.Hint(type, CacheAttributes.Types, "types")),
    };

    private static LocalCache Local(CacheAttributes attributes, CliHost host, bool export)
    {
        string key = export ? "dest" : "src", directory = Path.GetFullPath(attributes.Needed(key, $"{key}=DIRECTORY"), host.CurrentDirectory);
        Digest? digest = attributes.Value("digest") is { } text
            ? Digest.TryParse(text, out Digest parsed) ? parsed : throw attributes.Source.Invalid($"'{text}' is not a digest") : null;
        return new LocalCache(directory, attributes.Value("tag") ?? "latest", digest) { Reset = attributes.Bool("reset") ?? false };
    }

    private static string[] KeysOf(string type, bool export) => (type, export) switch
    {
        ("registry", _) => ["ref"],
        ("local", true) => ["dest", "tag", "reset"],
        ("local", false) => ["src", "tag", "digest"],
        ("gha", _) => CacheServiceParser.GitHubKeys,
        ("s3", _) => CacheServiceParser.S3Keys,
        ("azblob", _) => CacheServiceParser.AzureKeys,
        _ => [],
    };

    private static ImmutableSortedSet<string> MountsOf(CacheAttributes attributes) =>
        // Go's booleans, as ParseBoolean takes them; everything else is an id.
        [.. attributes.Values("mounts").Where(v => v is not ("0" or "f" or "F" or "false" or "FALSE" or "False"))
            .Select(v => v is "1" or "t" or "T" or "true" or "TRUE" or "True" ? "*" : v)];

    private static Compression CompressionOf(CacheAttributes attributes, string value) => value switch
    {
        "gzip" => Compression.Gzip,
        "zstd" => Compression.Zstd,
        "uncompressed" or "none" => Compression.None,
        "estargz" => throw new KimgException(ErrorCode.UnsupportedFeature, "compression=estargz is not supported") { Hint = "use zstd or gzip" },
        _ => throw attributes.Source.Invalid($"unknown compression '{value}'", "zstd, gzip or uncompressed"),
    };

    private static int Level(CacheAttributes attributes, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int level) && level <= 22
            ? level
            : throw attributes.Source.Invalid($"'{value}' is not a compression level", "0 to 9 for gzip, 0 to 22 for zstd");
}
