using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Kimg.Cli.CommandLine;
using Kimg.Engine.Archive;
using Kimg.Engine.Cache;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Options;

/// <summary>--cache-from and --cache-to, in buildx's syntax: a name (of an image or cache in a registry), or <c>type=…,key=value</c>.</summary>
internal static partial class CacheParser
{
    private static readonly string[] s_types = ["registry", "local", "inline"];

    private static readonly string[] s_exportKeys =
        ["mode", "compression", "compression-level", "force-compression", "ignore-error", "mounts", "mounts-max-size"];

    private static readonly string[] s_artifactKeys = ["image-manifest", "oci-mediatypes"];

    public static CacheSource ParseSource(string text, CliHost host)
    {
        Attributes attributes = Attributes.Parse("--cache-from", text);
        CacheLocation location = LocationOf(attributes, host, export: false);
        if (location is InlineCache) throw attributes.Source.Invalid("an inline cache is inside an image", "name the image: type=registry,ref=NAME");
        attributes.Refuse([.. KeysOf(attributes.Type, export: false), "mounts"]);
        return new CacheSource(location) { Mounts = attributes.Bool("mounts") ?? true };
    }

    public static CacheDestination ParseDestination(string text, CliHost host)
    {
        Attributes attributes = Attributes.Parse("--cache-to", text);
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
        Attributes attributes = Attributes.Parse(spelling, text);
        CacheLocation location = LocationOf(attributes, host, export);
        attributes.Refuse(KeysOf(attributes.Type, export));
        return location;
    }

    private static CacheLocation LocationOf(Attributes attributes, CliHost host, bool export) => attributes.Type switch
    {
        "registry" => new RegistryCache(ImageReference.Parse(attributes.Needed("ref", "ref=registry.example.com/app:cache"))),
        "local" => Local(attributes, host, export),
        "inline" => new InlineCache(),
        var type => throw attributes.Source.Invalid($"unknown type '{type}'", DidYouMean.Hint(type, s_types, "types")),
    };

    private static LocalCache Local(Attributes attributes, CliHost host, bool export)
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
        _ => [],
    };

    private static ImmutableSortedSet<string> MountsOf(Attributes attributes) =>
        [.. attributes.Values("mounts").Where(v => v is not ("false" or "0")).Select(v => v is "true" or "1" ? "*" : v)];

    private static Compression CompressionOf(Attributes attributes, string value) => value switch
    {
        "gzip" => Compression.Gzip,
        "zstd" => Compression.Zstd,
        "uncompressed" or "none" => Compression.None,
        "estargz" => throw new KimgException(ErrorCode.UnsupportedFeature, "compression=estargz is not supported") { Hint = "use zstd or gzip" },
        _ => throw attributes.Source.Invalid($"unknown compression '{value}'", "zstd, gzip or uncompressed"),
    };

    private static int Level(Attributes attributes, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int level) && level <= 22
            ? level
            : throw attributes.Source.Invalid($"'{value}' is not a compression level", "0 to 9 for gzip, 0 to 22 for zstd");

    [GeneratedRegex("(secret_access_key|session_token|token)=[^,]*")]
    private static partial Regex SecretValues();

    /// <summary>The keys and values of one option.</summary>
    private sealed class Attributes
    {
        private readonly List<(string Key, string Value)> _pairs = [];

        private Attributes(OptionSource source, string type) => (Source, Type) = (source, type);

        public OptionSource Source { get; }

        public string Type { get; }

        public static Attributes Parse(string spelling, string text)
        {
            var source = new OptionSource(spelling, Shown(text), ErrorCode.InvalidCacheOption);
            if (text.Length == 0) throw source.Invalid("it is empty", "write a name, or type=registry,ref=NAME");
            List<(string Key, string? Value)> pairs = Csv.Pairs(source, text);
            if (pairs.All(p => p.Value is null))
            {
                if (pairs.Count > 1) throw source.Invalid("it is not one name", "give the option once for each");
                return new Attributes(source, "registry") { _pairs = { ("ref", pairs[0].Key) } };
            }

            foreach ((string key, string? value) in pairs)
            {
                if (value is null) throw source.Invalid($"'{key}' is not key=value");
            }

            string type = pairs.LastOrDefault(p => p.Key == "type").Value ?? throw source.Invalid("type= is missing", "types: " + string.Join(", ", s_types));
            var attributes = new Attributes(source, type);
            attributes._pairs.AddRange(pairs.Where(p => p.Key != "type").Select(p => (p.Key, p.Value!)));
            return attributes;
        }

        public string? Value(string key) => _pairs.LastOrDefault(p => p.Key == key).Value;

        public IEnumerable<string> Values(string key) => _pairs.Where(p => p.Key == key).Select(p => p.Value);

        public bool? Bool(string key) => Value(key) is { } value ? Arguments.ParseBoolean($"{key} in {Source.Spelling} '{Source.Text}'", value) : null;

        public string Needed(string key, string example) =>
            Value(key) is { Length: > 0 } value ? value : throw Source.Invalid($"{key}= is missing", $"add {example}");

        public void Refuse(IReadOnlyList<string> known)
        {
            foreach ((string key, _) in _pairs)
            {
                if (!known.Contains(key)) throw Source.UnknownKey(key, ["type", .. known]);
            }
        }

        // Values of these are never shown, not even to whoever mistyped another key.
        private static string Shown(string text) => SecretValues().Replace(text, "$1=***");
    }
}
