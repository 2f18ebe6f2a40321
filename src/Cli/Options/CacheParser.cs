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

    /// <summary>What every export to a place of its own may be told.</summary>
    public static IEnumerable<string> ExportKeys => [.. s_exportKeys, .. s_artifactKeys];

    /// <summary>Whether any kind of cache has the key.</summary>
    public static bool IsKey(string key) =>
        key == "type" || ExportKeys.Contains(key) || CacheAttributes.Types.Any(type => KeysOf(type, true).Contains(key) || KeysOf(type, false).Contains(key));

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
        if (attributes.Value("mounts-max-size") is not null && attributes.Value("mounts") is null)
            throw attributes.Source.Invalid("mounts-max-size= without mounts=", "add mounts=true, or leave it out: no mounts are saved");
        // Every layer is made in the compression that is asked for; force-compression alone asks for the usual one.
        Compression? compression = attributes.Value("compression") is { } name ? CompressionOf(attributes, name)
            : attributes.Bool("force-compression") == true ? Compression.Gzip : null;
        return new CacheDestination(location)
        {
            AllSteps = all,
            OciMediaTypes = oci,
            ImageManifest = manifest,
            Compression = compression,
            CompressionLevel = attributes.Value("compression-level") is { } level ? Level(attributes, level, compression ?? CacheDestination.UsualCompression(oci)) : null,
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
        "registry" => Registry(attributes),
        "local" => Local(attributes, host, export),
        "inline" => new InlineCache(),
        "gha" => CacheServiceParser.GitHub(attributes, host),
        "s3" => CacheServiceParser.S3(attributes, host),
        "azblob" => CacheServiceParser.Azure(attributes, host),
        var type => throw attributes.Source.Invalid($"unknown type '{type}'", DidYouMean.Hint(type, CacheAttributes.Types, "types")),
    };

    private static RegistryCache Registry(CacheAttributes attributes)
    {
        if (attributes.Bool("registry.insecure") == true)
        {
            throw new KimgException(ErrorCode.UnsupportedFeature, $"{attributes.Source.Spelling} with registry.insecure=true is not supported ('{attributes.Source.Text}')")
            {
                Hint = "use --registry-insecure HOST",
            };
        }

        return new RegistryCache(ImageReference.Parse(attributes.Needed("ref", "ref=registry.example.com/app:cache")));
    }

    private static LocalCache Local(CacheAttributes attributes, CliHost host, bool export)
    {
        string key = export ? "dest" : "src", directory = Path.GetFullPath(attributes.Needed(key, $"{key}=DIRECTORY"), host.CurrentDirectory);
        Digest? digest = attributes.Value("digest") is { } text
            ? Digest.TryParse(text, out Digest parsed) ? parsed : throw attributes.Source.Invalid($"'{text}' is not a digest") : null;
        return new LocalCache(directory, attributes.Value("tag") ?? "latest", digest) { Reset = attributes.Bool("reset") ?? false };
    }

    /// <summary>The keys of the place itself.</summary>
    public static string[] KeysOf(string type, bool export) => (type, export) switch
    {
        ("registry", _) => ["ref", "registry.insecure"],
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

    private static int Level(CacheAttributes attributes, string value, Compression compression)
    {
        if (compression == Compression.None) throw attributes.Source.Invalid("there is nothing to compress at a level", "leave out compression-level=");
        (int least, int most, string name) = compression == Compression.Gzip ? (0, 9, "gzip") : (1, 22, "zstd");
        return int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int level) && level >= least && level <= most
            ? level
            : throw attributes.Source.Invalid($"'{value}' is not a compression level of {name}", $"{least} to {most} for {name}");
    }
}
