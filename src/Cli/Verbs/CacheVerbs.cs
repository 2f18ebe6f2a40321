using System.Globalization;
using Kimg.Cli.CommandLine;
using Kimg.Cli.Facade;
using Kimg.Cli.Options;
using Kimg.Cli.Progress;
using Kimg.Engine.Build;
using Kimg.Engine.Cache;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Verbs;

/// <summary>Caches without a build.</summary>
internal static class CacheVerbs
{
    private const string Places = "A cache is named as for kimg build: NAME, or type=registry|local|gha|s3|azblob,… (--cache-from, --cache-to).";

    private static readonly OptionRow s_json = new("json", ValueKind.Flag, "Print everything as one JSON object");

    public static Verb CreateExport() => new()
    {
        Name = "cache export",
        Summary = "Write everything this machine has built to a cache",
        Positionals = "DESTINATION",
        MinPositionals = 1,
        MaxPositionals = 1,
        Details = Places,
        Options = [BuildOptionRows.Progress, .. EngineOptionRows.All],
        Run = async (arguments, host, token) =>
        {
            CacheDestination destination = CacheParser.ParseDestination(arguments.Positionals[0], host);
            if (destination.Location is InlineCache)
                throw new KimgException(ErrorCode.InvalidCacheOption, "an inline cache is no cache that can be written by itself") { Hint = "kimg build --cache-to type=inline" };
            Refuse("--cache-to", arguments.Positionals[0], "mode", "every step that is known here is written");
            Refuse("--cache-to", arguments.Positionals[0], "ignore-error", "nothing else is done here that could go on");
            await using IEngine engine = EngineOptionRows.Open(arguments, host);
            CacheReport report;
            using (ProgressPump pump = ProgressViews.Open(arguments, host)) report = await engine.ExportCacheAsync(destination, pump, token);
            Print(host, report, details: false);
            return 0;
        },
    };

    public static Verb CreateImport() => new()
    {
        Name = "cache import",
        Summary = "Fetch a cache with all its layers; from then on every build looks into it",
        Positionals = "SOURCE",
        MinPositionals = 1,
        MaxPositionals = 1,
        Details = Places + " It is kept until kimg prune --all, or until it is imported again.",
        Options = [BuildOptionRows.Progress, .. EngineOptionRows.All],
        Run = async (arguments, host, token) =>
        {
            CacheSource source = CacheParser.ParseSource(arguments.Positionals[0], host);
            Refuse("--cache-from", arguments.Positionals[0], "mounts", "all of the cache is fetched; each build says for itself what it takes");
            await using IEngine engine = EngineOptionRows.Open(arguments, host);
            CacheReport report;
            using (ProgressPump pump = ProgressViews.Open(arguments, host)) report = await engine.ImportCacheAsync(source.Location, pump, token);
            Print(host, report, details: false);
            return 0;
        },
    };

    public static Verb CreateInspect() => new()
    {
        Name = "cache inspect",
        Summary = "Show what a cache holds",
        Positionals = "SOURCE",
        MinPositionals = 1,
        MaxPositionals = 1,
        Details = Places,
        Options = [s_json, .. EngineOptionRows.Storage, .. EngineOptionRows.Registry],
        Run = async (arguments, host, token) =>
        {
            CacheSource source = CacheParser.ParseSource(arguments.Positionals[0], host);
            await using IEngine engine = EngineOptionRows.Open(arguments, host);
            CacheReport report = await engine.InspectCacheAsync(source.Location, token);
            if (arguments.Flag(s_json)) host.Write(Json(report));
            else Print(host, report, details: true);
            return 0;
        },
    };

    // What only a build can mean.
    private static void Refuse(string spelling, string text, string key, string why)
    {
        CacheAttributes attributes = CacheAttributes.Parse(spelling, text);
        if (attributes.Value(key) is not null) throw attributes.Source.Invalid($"'{key}=' means nothing without a build", $"leave it out: {why}");
    }

    private static void Print(CliHost host, CacheReport report, bool details)
    {
        host.WriteLine($"Name:        {OutputSanitizer.OneLine(report.Name)}");
        if (report.Written is { } written) host.WriteLine($"Written:     {written.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)} UTC");
        host.WriteLine($"Steps:       {report.Steps}");
        host.WriteLine($"Layers:      {report.Layers.Length}, {Format.Bytes(report.Layers.Sum(l => l.Size))}");
        host.WriteLine($"Base layers: {report.BaseLayers}, in their images");
        if (details)
        {
            foreach (Engine.Oci.Descriptor layer in report.Layers) host.WriteLine($"  {layer.Digest} {Format.Bytes(layer.Size),10}");
        }

        foreach (CachedMountReport mount in report.Mounts)
            host.WriteLine($"Mount:       {OutputSanitizer.OneLine(mount.Id)}, {Format.Bytes(mount.Bytes)} in {Format.Bytes(mount.Blob.Size)}");
    }

    private static string Json(CacheReport report) => Reports.JsonText.Render(json =>
    {
        json.WriteStartObject();
        json.WriteString("name", report.Name);
        if (report.Written is { } written) json.WriteString("written", written);
        json.WriteNumber("steps", report.Steps);
        json.WriteNumber("baseLayers", report.BaseLayers);
        json.WriteStartArray("layers");
        foreach (Engine.Oci.Descriptor layer in report.Layers)
        {
            json.WriteStartObject();
            json.WriteString("mediaType", layer.MediaType);
            json.WriteString("digest", layer.Digest.ToString());
            json.WriteNumber("size", layer.Size);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("mounts");
        foreach (CachedMountReport mount in report.Mounts)
        {
            json.WriteStartObject();
            json.WriteString("id", mount.Id);
            json.WriteNumber("bytes", mount.Bytes);
            json.WriteString("digest", mount.Blob.Digest.ToString());
            json.WriteNumber("size", mount.Blob.Size);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });
}
