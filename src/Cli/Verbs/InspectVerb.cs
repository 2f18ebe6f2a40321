using Kimg.Cli.CommandLine;
using Kimg.Cli.Facade;
using Kimg.Cli.Options;
using Kimg.Cli.Progress;
using Kimg.Cli.Reports;
using Kimg.Engine.Build;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Verbs;

internal static class InspectVerb
{
    private static readonly OptionRow s_platform = new("platform", ValueKind.Single, "Only this platform") { Value = "OS/ARCH[/VARIANT]" };
    private static readonly OptionRow s_raw = new("raw", ValueKind.Flag, "Print the manifest or index as it is");
    private static readonly OptionRow s_config = new("config", ValueKind.Flag, "Print the configuration as it is (of --platform when there are several)");
    private static readonly OptionRow s_digest = new("digest", ValueKind.Flag, "Print only the digest of each LOCATION, one a line");
    private static readonly OptionRow s_json = new("json", ValueKind.Flag, "Print everything as one JSON object");

    public static Verb Create() => new()
    {
        Name = "inspect",
        Summary = "Show what an image is made of",
        Positionals = "LOCATION…",
        MinPositionals = 1,
        MaxPositionals = int.MaxValue,
        Details = "LOCATION is NAME (in a registry), store://NAME (in kimg's store) or oci-layout://DIRECTORY[:TAG].",
        Options = [s_platform, s_digest, s_raw, s_config, s_json, .. EngineOptionRows.Storage, .. EngineOptionRows.Registry],
        Run = RunAsync,
    };

    private static async Task<int> RunAsync(Arguments arguments, CliHost host, CancellationToken cancellationToken)
    {
        ImageLocation[] locations = [.. arguments.Positionals.Select(text => LocationParser.Parse(text, host.CurrentDirectory))];
        Platform? platform = arguments.Value(s_platform) is { } text ? Platform.Parse(text) : null;
        if (locations.Length > 1 && !arguments.Flag(s_digest))
            throw new KimgException(ErrorCode.InvalidArgument, "several images can only be asked for their digests") { Hint = "add --digest, or name one image" };
        await using IEngine engine = EngineOptionRows.Open(arguments, host);
        if (arguments.Flag(s_digest))
        {
            foreach (Descriptor named in await Task.WhenAll(locations.Select(location => engine.ResolveAsync(location, cancellationToken))))
                host.WriteLine(named.Digest.ToString());
            return 0;
        }

        ImageReport report = await engine.InspectAsync(locations[0], platform, cancellationToken);
        if (arguments.Flag(s_raw)) host.Output.Value.Write(report.Document.Span);
        else if (arguments.Flag(s_config)) host.Output.Value.Write(OnlyImage(report).Config.Span);
        else if (arguments.Flag(s_json)) host.Write(Json(report));
        else Print(host, report);
        return 0;
    }

    private static PlatformImage OnlyImage(ImageReport report) => report.Images is [var only]
        ? only
        : throw new KimgException(ErrorCode.InvalidArgument, $"'{report.Name}' has {report.Images.Length} platforms")
        {
            Hint = "add --platform: " + string.Join(", ", report.Images.Select(i => i.Platform)),
        };

    private static void Print(CliHost host, ImageReport report)
    {
        host.WriteLine($"Name:      {report.Name}");
        host.WriteLine($"Digest:    {report.Root.Digest}");
        host.WriteLine($"MediaType: {report.Root.MediaType}");
        foreach (PlatformImage image in report.Images)
        {
            host.WriteLine($"\n{image.Platform}");
            host.WriteLine($"  Manifest:  {image.Manifest.Digest}");
            host.WriteLine($"  Layers:    {image.Layers.Length}, {Format.Bytes(image.Layers.Sum(l => l.Size))}");
            foreach (Descriptor layer in image.Layers) host.WriteLine($"    {layer.Digest} {Format.Bytes(layer.Size),10}");
        }
    }

    private static string Json(ImageReport report) => JsonText.Render(json =>
    {
        json.WriteStartObject();
        json.WriteString("name", report.Name);
        json.WriteString("digest", report.Root.Digest.ToString());
        json.WriteString("mediaType", report.Root.MediaType);
        if (report.Named.Digest != report.Root.Digest) json.WriteString("index", report.Named.Digest.ToString());
        json.WriteStartArray("images");
        foreach (PlatformImage image in report.Images)
        {
            json.WriteStartObject();
            json.WriteString("platform", image.Platform.ToString());
            json.WriteString("digest", image.Manifest.Digest.ToString());
            json.WriteStartArray("layers");
            foreach (Descriptor layer in image.Layers)
            {
                json.WriteStartObject();
                json.WriteString("mediaType", layer.MediaType);
                json.WriteString("digest", layer.Digest.ToString());
                json.WriteNumber("size", layer.Size);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WritePropertyName("config");
            json.WriteRawValue(image.Config.Span);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });
}
