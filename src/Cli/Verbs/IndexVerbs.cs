using System.Collections.Immutable;
using Kimg.Cli.CommandLine;
using Kimg.Cli.Facade;
using Kimg.Cli.Options;
using Kimg.Cli.Progress;
using Kimg.Engine.Build;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;

namespace Kimg.Cli.Verbs;

/// <summary>Indexes of images that were built apart, one runner for each platform for example.</summary>
internal static class IndexVerbs
{
    private static readonly OptionRow s_append = new("append", ValueKind.Flag, "Add to the index that is there; an image of the same platform is replaced");
    private static readonly OptionRow s_dryRun = new("dry-run", ValueKind.Flag, "Print the index and write nothing");

    private static readonly OptionRow s_annotation = new("annotation", ValueKind.Many, "Levels: index (the default) and manifest-descriptor")
    {
        Value = "[LEVEL[PLATFORM]:]KEY=VALUE",
    };

    private static readonly OptionRow s_tag = new("tag", ValueKind.Many, "A name of the index (or any location); the first is what --append begins with") { Short = 't', Value = "NAME" };
    private static readonly OptionRow s_raw = new("raw", ValueKind.Flag, "Print the index as it is");

    private static readonly ImmutableArray<OptionRow> s_common = [BuildOptionRows.Progress, .. EngineOptionRows.Storage, .. EngineOptionRows.Registry];

    public static Verb CreateCreate() => new()
    {
        Name = "index create",
        Summary = "Make one index of images that are built already",
        Positionals = "SOURCE…",
        MinPositionals = 1,
        MaxPositionals = 200,
        Details = "A source is NAME[@DIGEST] (in a registry), store://NAME, oci-layout://DIRECTORY[:TAG] or oci-archive://FILE[:TAG]. Layers are mounted within a registry and streamed between two; "
            + "prints the digest of the index.",
        Options = [s_tag, s_append, s_annotation, s_dryRun, .. s_common],
        Run = CreateAsync,
    };

    public static Verb CreateAnnotate() => new()
    {
        Name = "index annotate",
        Summary = "Add annotations to an index; its images stay what they are",
        Positionals = "LOCATION",
        MinPositionals = 1,
        MaxPositionals = 1,
        Options = [s_annotation, .. s_common],
        Run = async (arguments, host, token) =>
        {
            ImageLocation location = LocationParser.Parse(arguments.Positionals[0], host.CurrentDirectory);
            ImmutableArray<Annotation> annotations = Annotations(arguments);
            if (annotations.IsEmpty) throw new KimgException(ErrorCode.InvalidArgument, "there is nothing to add") { Hint = "add --annotation KEY=VALUE" };
            await using IEngine engine = EngineOptionRows.Open(arguments, host);
            Descriptor index;
            using (ProgressPump pump = ProgressViews.Open(arguments, host)) index = await engine.AnnotateIndexAsync(location, annotations, pump, token);
            host.WriteLine(index.Digest.ToString());
            return 0;
        },
    };

    public static Verb CreateInspect() => new()
    {
        Name = "index inspect",
        Summary = "Show what an index lists",
        Positionals = "LOCATION",
        MinPositionals = 1,
        MaxPositionals = 1,
        Options = [s_raw, .. EngineOptionRows.Storage, .. EngineOptionRows.Registry],
        Run = async (arguments, host, token) =>
        {
            await using IEngine engine = EngineOptionRows.Open(arguments, host);
            ImageReport report = await engine.InspectAsync(LocationParser.Parse(arguments.Positionals[0], host.CurrentDirectory), null, token);
            if (arguments.Flag(s_raw)) host.Output.Value.Write(report.Document.Span);
            else Print(host, report.Name, ManifestDocument.Parse(report.Document, report.Root.Digest, report.Root.MediaType, report.Name));
            return 0;
        },
    };

    private static async Task<int> CreateAsync(Arguments arguments, CliHost host, CancellationToken cancellationToken)
    {
        bool dryRun = arguments.Flag(s_dryRun), append = arguments.Flag(s_append);
        ImmutableArray<ImageLocation> names = [.. arguments.Values(s_tag).Select(t => LocationParser.Parse(t, host.CurrentDirectory))];
        if (names.IsEmpty && (append || !dryRun)) throw new KimgException(ErrorCode.InvalidArgument, "the index needs a name") { Hint = "add -t NAME, or --dry-run" };
        var request = new IndexRequest([.. arguments.Positionals.Select(p => LocationParser.Parse(p, host.CurrentDirectory))], names)
        {
            Append = append, Annotations = Annotations(arguments), DryRun = dryRun,
        };
        await using IEngine engine = EngineOptionRows.Open(arguments, host);
        ReadOnlyMemory<byte> index;
        using (ProgressPump pump = ProgressViews.Open(arguments, host)) index = await engine.CreateIndexAsync(request, pump, cancellationToken);
        if (dryRun) host.Output.Value.Write(index.Span);
        else host.WriteLine(Digest.Sha256(index.Span).ToString());
        return 0;
    }

    // Without a level an annotation of an index is the index's.
    private static ImmutableArray<Annotation> Annotations(Arguments arguments) =>
        [.. arguments.Values(s_annotation).SelectMany(text => AnnotationParser.Parse(text.Split('=')[0].Contains(':') ? text : "index:" + text))];

    private static void Print(CliHost host, string name, ManifestDocument document)
    {
        host.WriteLine($"Name:      {name}");
        host.WriteLine($"Digest:    {document.Descriptor.Digest}");
        host.WriteLine($"MediaType: {document.Descriptor.MediaType}");
        if (document.Index is null) host.WriteLine("Kind:      a single image, no index (kimg inspect shows what is in it)");
        Annotate(host, "", document.Index?.Annotations ?? document.Manifest?.Annotations);
        foreach (Descriptor entry in document.Index?.Manifests ?? [])
        {
            host.WriteLine($"\n{(entry.Platform?.ToPlatform() is { Os: not "unknown" } platform ? platform.ToString() : OutputSanitizer.OneLine(entry.ArtifactType ?? "attestation"))}");
            host.WriteLine($"  Manifest:  {entry.Digest}");
            host.WriteLine($"  MediaType: {OutputSanitizer.OneLine(entry.MediaType)}");
            Annotate(host, "  ", entry.Annotations);
        }
    }

    private static void Annotate(CliHost host, string indent, ImmutableSortedDictionary<string, string>? annotations)
    {
        foreach ((string key, string value) in annotations ?? ImmutableSortedDictionary<string, string>.Empty)
            host.WriteLine($"{indent}{OutputSanitizer.OneLine(key)}={OutputSanitizer.OneLine(value)}");
    }
}
