using System.Collections.Immutable;
using System.Globalization;
using Kimg.Cli.CommandLine;
using Kimg.Engine.Archive;
using Kimg.Engine.Build;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Options;

/// <summary>--output, in buildx's syntax: <c>type=…,key=value</c>, a bare path (a directory), or <c>-</c> (a tar on stdout).</summary>
internal static class OutputParser
{
    private static readonly string[] s_types = ["image", "registry", "oci", "docker", "tar", "local", "cacheonly"];

    private static readonly string[] s_imageKeys =
    [
        "name", "push", "push-by-digest", "compression", "compression-level", "force-compression", "oci-mediatypes", "rewrite-timestamp",
    ];

    public static OutputSpec Parse(string text, string currentDirectory)
    {
        var source = new OptionSource("--output", text, ErrorCode.InvalidOutput);
        if (text.Length == 0) throw source.Invalid("it is empty", "write a path, or type=image,name=…");
        List<(string Key, string? Value)> pairs = Csv.Pairs(source, text);
        if (pairs is [(_, null)])
        {
            return text == "-"
                ? new OutputSpec { Type = OutputType.Tar, Destination = "-" }
                : new OutputSpec { Type = OutputType.Local, Destination = Absolute(text, currentDirectory) };
        }

        string? type = null;
        foreach ((string key, string? value) in pairs)
        {
            if (value is null) throw source.Invalid($"'{key}' is not key=value");
            if (key == "type") type = value;
        }

        if (type is null) throw source.Invalid("type= is missing", "types: " + string.Join(", ", s_types));
        OutputSpec spec = new() { Type = TypeOf(source, type), Push = type == "registry" };
        foreach ((string key, string? value) in pairs)
        {
            if (key != "type") spec = Apply(source, spec, key, value!, currentDirectory);
        }

        return Complete(source, spec);
    }

    private static OutputType TypeOf(OptionSource source, string type) => type switch
    {
        "image" or "registry" => OutputType.Image,
        "oci" => OutputType.Oci,
        "docker" => OutputType.Docker,
        "tar" => OutputType.Tar,
        "local" => OutputType.Local,
        "cacheonly" => OutputType.CacheOnly,
        _ => throw source.Invalid($"unknown type '{type}'", DidYouMean.Hint(type, s_types, "types")),
    };

    private static IEnumerable<string> KeysOf(OutputType type) => type switch
    {
        OutputType.Image => s_imageKeys,
        OutputType.Oci => ["name", "dest", "tar", .. s_imageKeys.Skip(3)],
        OutputType.Docker => ["name", "dest", .. s_imageKeys.Skip(3)],
        OutputType.Tar or OutputType.Local => ["dest"],
        _ => [],
    };

    private static OutputSpec Apply(OptionSource source, OutputSpec spec, string key, string value, string currentDirectory)
    {
        bool image = spec.Type is OutputType.Image or OutputType.Oci or OutputType.Docker;
        if (image && key.StartsWith("annotation", StringComparison.Ordinal))
            return spec with { Annotations = [.. spec.Annotations, AnnotationOf(source, key, value)] };
        if (!KeysOf(spec.Type).Contains(key)) throw Refused(source, spec.Type, key, value);
        return key switch
        {
            "dest" => spec with { Destination = value == "-" ? "-" : Absolute(value, currentDirectory) },
            "name" => spec with { Names = [.. value.Split(',').Select(n => ImageReference.Parse(n.Trim()).ToString())] },
            "push" => spec with { Push = Bool(source, key, value) },
            "push-by-digest" => spec with { PushByDigest = Bool(source, key, value) },
            "tar" => spec with { Tar = Bool(source, key, value) },
            "compression" => spec with { Compression = CompressionOf(source, value) },
            "compression-level" => spec with { CompressionLevel = Level(source, value) },
            "force-compression" => spec with { ForceCompression = Bool(source, key, value) },
            "oci-mediatypes" => spec with { OciMediaTypes = Bool(source, key, value) },
            "rewrite-timestamp" => spec with { RewriteTimestamp = Bool(source, key, value) },
            _ => throw source.UnknownKey(key, KeysOf(spec.Type)),
        };
    }

    private static KimgException Refused(OptionSource source, OutputType type, string key, string value)
    {
        string? instead = (key, value) switch
        {
            ("registry.insecure", _) => "use --registry-insecure HOST",
            ("platform-split" or "attestation-prefix" or "mode" or "unpack" or "store" or "oci-artifact" or "name-canonical" or "dangling-name-prefix"
                or "prefer-nondist-layers" or "buildinfo" or "context", _) => $"leave out {key}=",
            _ => null,
        };
        if (instead is null) return source.UnknownKey(key, ["type", .. KeysOf(type)]);
        return new KimgException(ErrorCode.UnsupportedFeature, $"--output with {key}= is not supported ('{source.Text}')") { Hint = instead };
    }

    private static OutputSpec Complete(OptionSource source, OutputSpec spec) => spec switch
    {
        { Type: OutputType.Local, Destination: null or "-" } => throw source.Invalid("dest= is missing", "name the directory: type=local,dest=out"),
        { Type: OutputType.Oci, Tar: false, Destination: null or "-" } =>
            throw source.Invalid("dest= is missing", "name the directory: type=oci,tar=false,dest=out"),
        { Type: OutputType.Oci or OutputType.Tar, Destination: null } => spec with { Destination = "-" },
        { Type: OutputType.Docker, Destination: null } => throw NoDaemon("type=docker without dest="),
        { Type: OutputType.Docker } => spec with { OciMediaTypes = false },
        { Type: OutputType.Image, PushByDigest: true, Push: false } => spec with { Push = true },
        _ => spec,
    };

    public static KimgException NoDaemon(string what) => new(ErrorCode.UnsupportedFeature, $"{what} loads the image into a daemon, and kimg has none")
    {
        Hint = "write an archive and load that: kimg build -o type=docker,dest=image.tar … && docker load -i image.tar",
    };

    // annotation.KEY, annotation-LEVEL.KEY, annotation-LEVEL[PLATFORM].KEY
    private static Annotation AnnotationOf(OptionSource source, string key, string value)
    {
        int dot = key.IndexOf('.');
        if (dot < 0 || dot == key.Length - 1) throw source.Invalid($"'{key}' names no annotation", "write annotation.KEY=VALUE");
        string level = key[..dot]["annotation".Length..].TrimStart('-');
        return AnnotationParser.Create(source, level, key[(dot + 1)..], value);
    }

    private static Compression CompressionOf(OptionSource source, string value) => value switch
    {
        "gzip" => Compression.Gzip,
        "zstd" => Compression.Zstd,
        "uncompressed" or "none" => Compression.None,
        "estargz" => throw new KimgException(ErrorCode.UnsupportedFeature, "compression=estargz is not supported") { Hint = "use gzip or zstd" },
        _ => throw source.Invalid($"unknown compression '{value}'", "gzip, zstd or uncompressed"),
    };

    private static int Level(OptionSource source, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int level) && level <= 22
            ? level
            : throw source.Invalid($"'{value}' is not a compression level", "0 to 9 for gzip, 0 to 22 for zstd");

    private static bool Bool(OptionSource source, string key, string value) =>
        Arguments.ParseBoolean($"{key} in {source.Spelling} '{source.Text}'", value);

    private static string Absolute(string path, string currentDirectory) => Path.GetFullPath(path, currentDirectory);
}
