using System.Collections.Immutable;
using Kimg.Cli.CommandLine;
using Kimg.Cli.Facade;
using Kimg.Cli.Options;
using Kimg.Cli.Progress;
using Kimg.Engine.Build;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Verbs;

/// <summary>push, pull and copy: one copy between two locations.</summary>
internal static class TransferVerbs
{
    private static readonly OptionRow s_platforms = new("platform", ValueKind.Many, "Only these platforms (default: all)") { Value = "OS/ARCH[/VARIANT]" };

    private static readonly ImmutableArray<OptionRow> s_options =
    [
        s_platforms, BuildOptionRows.Progress, BuildOptionRows.Quiet with { Help = "Show nothing but the digest" },
        .. EngineOptionRows.Storage, .. EngineOptionRows.Registry,
    ];

    private const string Locations = "A location is NAME (in a registry), store://NAME (in kimg's store) or oci-layout://DIRECTORY[:TAG]; a source also oci-archive://FILE[:TAG].";

    public static Verb CreatePush() => new()
    {
        Name = "push",
        Summary = "Push an image from the store, or an OCI layout or archive, to a registry",
        Positionals = "SOURCE [DESTINATION]",
        MinPositionals = 1,
        MaxPositionals = 2,
        Details = "SOURCE is NAME (in kimg's store), or an OCI layout (a directory, or oci-layout://DIRECTORY[:TAG]) or archive (a file whose name ends in .tar, or oci-archive://FILE[:TAG]), "
            + "which are pushed bit for bit. DESTINATION is another name to push to; layouts and archives need one.",
        Options = s_options,
        Run = (arguments, host, token) =>
        {
            string source = arguments.Positionals[0];
            bool isFile = source.StartsWith("oci-layout://", StringComparison.Ordinal) || source.StartsWith("oci-archive://", StringComparison.Ordinal);
            string path = Path.GetFullPath(source, host.CurrentDirectory);
            if (!isFile && File.Exists(Path.Combine(path, "oci-layout"))) (isFile, source) = (true, "oci-layout://" + path);
            // A program in this directory may be called like its image; an archive is called so on purpose.
            if (!isFile && source.EndsWith(".tar", StringComparison.Ordinal) && File.Exists(path)) (isFile, source) = (true, "oci-archive://" + path);
            if (isFile && arguments.Positionals is not [_, _])
                throw new KimgException(ErrorCode.InvalidArgument, $"'{source}' is no name: where is it pushed to?") { Hint = "kimg push DIRECTORY|FILE REGISTRY/NAME:TAG" };
            ImageLocation from = isFile ? LocationParser.Parse(source, host.CurrentDirectory) : new StoreLocation(ImageReference.Parse(source));
            return RunAsync(arguments, host, from, new RegistryLocation(ImageReference.Parse(arguments.Positionals[^1])), token);
        },
    };

    public static Verb CreatePull() => new()
    {
        Name = "pull",
        Summary = "Pull an image into the store",
        Positionals = "NAME",
        MinPositionals = 1,
        MaxPositionals = 1,
        Options = s_options,
        Run = (arguments, host, token) =>
        {
            ImageReference name = ImageReference.Parse(arguments.Positionals[0]);
            return RunAsync(arguments, host, new RegistryLocation(name), new StoreLocation(name), token);
        },
    };

    public static Verb CreateCopy() => new()
    {
        Name = "copy",
        Summary = "Copy an image between registries, layouts and the store",
        Positionals = "SOURCE DESTINATION",
        MinPositionals = 2,
        MaxPositionals = 2,
        Details = Locations,
        Options = s_options,
        Run = (arguments, host, token) => RunAsync(
            arguments,
            host,
            LocationParser.Parse(arguments.Positionals[0], host.CurrentDirectory),
            LocationParser.Parse(arguments.Positionals[1], host.CurrentDirectory),
            token),
    };

    private static async Task<int> RunAsync(Arguments arguments, CliHost host, ImageLocation source, ImageLocation destination, CancellationToken token)
    {
        ImmutableArray<Platform> platforms = [.. arguments.Values(s_platforms).SelectMany(t => t.Split(',')).Select(Platform.Parse)];
        await using IEngine engine = EngineOptionRows.Open(arguments, host);
        Descriptor result;
        using (ProgressPump pump = ProgressViews.Open(arguments, host)) result = await engine.CopyAsync(source, destination, platforms, pump, token);

        host.WriteLine(result.Digest.ToString());
        return 0;
    }
}
