using System.Collections.Immutable;
using System.Globalization;
using Kimg.Cli.CommandLine;
using Kimg.Engine.Build;
using Kimg.Engine.Cache;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Row = Kimg.Cli.Options.BuildOptionRows;

namespace Kimg.Cli.Options;

/// <summary>The command line of <c>kimg build</c> → <see cref="BuildRequest"/>. Everything that can be wrong without looking into the context
/// is found here.</summary>
internal static class BuildRequestParser
{
    public static BuildRequest Parse(Arguments arguments, CliHost host)
    {
        (ContextSource context, string? path, string? text) = ContextOf(arguments, host);
        return Parse(arguments, host, context, path, arguments.Value(Row.ContextSubPath) is { Length: > 0 } below ? below : null) with { DockerfileText = text };
    }

    /// <summary>With a context and a Dockerfile that are already known.</summary>
    public static BuildRequest Parse(Arguments arguments, CliHost host, ContextSource context, string? dockerfile, string? subPath)
    {
        UnsupportedOptions.Refuse(arguments);
        ImmutableSortedDictionary<string, string> buildArgs = BuildArgs(arguments, host);
        ImmutableArray<ImageReference> names = [.. arguments.Values(Row.Tag).Select(Name).Distinct()];
        return new BuildRequest
        {
            Context = context,
            ContextSubPath = subPath,
            DockerfilePath = dockerfile,
            Target = arguments.Value(Row.Target) is { Length: > 0 } target ? target : null,
            Platforms = Platforms(arguments),
            BuildArgs = buildArgs,
            NamedContexts = ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, LastWins(
                arguments.Values(Row.BuildContext).Select(t => ContextParser.ParseNamed(t, host.CurrentDirectory)))),
            Labels = ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, LastWins(arguments.Values(Row.Label).Select(Label))),
            Annotations = [.. arguments.Values(Row.Annotation).SelectMany(t => AnnotationParser.Parse(t))],
            Secrets = [.. arguments.Values(Row.Secret).Select(t => SecretParser.ParseSecret(t, host))],
            Ssh = [.. arguments.Values(Row.Ssh).Select(t => SecretParser.ParseSsh(t, host))],
            ExtraHosts = [.. arguments.Values(Row.AddHost).SelectMany(t => t.Split(',')).Select(StepOptionParser.ParseHost)],
            Ulimits = [.. arguments.Values(Row.Ulimit).Select(StepOptionParser.ParseUlimit)],
            ShmSize = arguments.Value(Row.ShmSize) is { } size ? StepOptionParser.ParseSize(Row.ShmSize.Spelling, size) : null,
            Network = StepOptionParser.ParseNetwork(arguments.Value(Row.Network) ?? "default"),
            Entitlements = [.. arguments.Values(Row.Allow).SelectMany(t => t.Split(',')).Select(StepOptionParser.ParseEntitlement)],
            Names = names,
            Outputs = Outputs(arguments, host),
            CacheFrom = [.. arguments.Values(Row.CacheFrom).Select(t => CacheParser.ParseSource(t, host))],
            CacheTo = CacheTo(arguments, host, buildArgs),
            NoCache = arguments.Flag(Row.NoCache),
            NoCacheFilter = [.. arguments.Values(Row.NoCacheFilter).SelectMany(t => t.Split(','))],
            Pull = arguments.Flag(Row.Pull),
            Expected = [.. arguments.Values(Row.Expect).Select(Expected)],
            SourceDateEpoch = Epoch(buildArgs, host),
            MetadataFile = FileOf(arguments, Row.MetadataFile, host),
            ImageIdFile = FileOf(arguments, Row.ImageIdFile, host),
            MaxParallelism = Parallelism(arguments),
        };
    }

    private static (ContextSource Context, string? Path, string? Text) ContextOf(Arguments arguments, CliHost host)
    {
        string positional = Positional(arguments);
        string? file = arguments.Value(Row.Dockerfile);
        if (positional == "-")
        {
            if (file == "-") throw new KimgException(ErrorCode.InvalidArgument, "stdin cannot be both the context and the Dockerfile");
            if (host.InputIsTerminal())
            {
                throw new KimgException(ErrorCode.ContextUnreadable, "the context is to come from stdin, which is a terminal")
                {
                    Hint = "pipe a tar or a Dockerfile into it: kimg build - < Dockerfile",
                };
            }

            (ContextSource fromStdin, string? dockerfile) = StandardInput.ReadContext(host.Input.Value);
            if (dockerfile is null || file is null) return (fromStdin, file, dockerfile);
            throw new KimgException(ErrorCode.InvalidArgument, $"stdin holds a Dockerfile, and --file names another: '{file}'")
            {
                Hint = "give a tar on stdin, or leave out --file",
            };
        }

        ContextSource context = ContextParser.Parse(positional, host.CurrentDirectory);
        if (file == "-") return (context, null, StandardInput.ReadDockerfile(host.Input.Value));
        if (file is not null && (file.StartsWith("http://", StringComparison.Ordinal) || file.StartsWith("https://", StringComparison.Ordinal)))
        {
            throw new KimgException(ErrorCode.UnsupportedFeature, $"a Dockerfile is not downloaded ('{file}')")
            {
                Hint = $"pipe it in: curl -fsSL {file} | kimg build -f - {positional}",
            };
        }

        // As in docker: beside a context from elsewhere, a Dockerfile of this machine is named by its whole path.
        if (file is not null && context is not DirectoryContext && Path.IsPathRooted(file) && File.Exists(file))
        {
            using FileStream local = File.OpenRead(file);
            return (context, null, StandardInput.ReadDockerfile(local));
        }

        return (context, file is null || context is not DirectoryContext ? file : Path.GetFullPath(file, host.CurrentDirectory), null);
    }

    private static string Positional(Arguments arguments) => (arguments.Positionals, arguments.Value(Row.Context)) switch
    {
        ([var only], null) => only,
        ([], { } option) => option,
        ([], null) => throw new KimgException(ErrorCode.InvalidArgument, "kimg build needs a context")
        {
            Hint = "give a directory, a URL or - for stdin: kimg build .",
        },
        _ => throw new KimgException(ErrorCode.InvalidArgument, "the context is given twice") { Hint = "leave out --context, or the argument" },
    };

    private static ImmutableSortedDictionary<string, string> BuildArgs(Arguments arguments, CliHost host)
    {
        var values = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (string text in arguments.Values(Row.BuildArg))
        {
            int equals = text.IndexOf('=');
            string name = equals < 0 ? text : text[..equals];
            if (name.Length == 0) throw new OptionSource(Row.BuildArg.Spelling, text).Invalid("the name is empty", "write NAME=VALUE, or NAME");
            if (equals >= 0) values[name] = text[(equals + 1)..];
            else if (host.Variable(name) is { } value) values[name] = value;
        }

        return values.ToImmutable();
    }

    private static ImmutableArray<Platform> Platforms(Arguments arguments) =>
    [
        .. arguments.Values(Row.Platforms).SelectMany(t => t.Split(',')).Select(t => t.Trim())
            .Select(t => t == "local" ? Platform.Host : Platform.Parse(t)).Distinct(),
    ];

    private static ImageReference Expected(string text)
    {
        ImageReference reference = ImageReference.Parse(text);
        if (reference.Digest is not null) return reference;
        throw new KimgException(ErrorCode.InvalidReference, $"{Row.Expect.Spelling} {text}: there is no digest") { Hint = "write NAME:TAG@sha256:…, as kimg inspect --digest prints it" };
    }

    private static ImageReference Name(string text)
    {
        ImageReference reference = ImageReference.Parse(text);
        if (reference.Digest is null) return reference;
        throw new KimgException(ErrorCode.InvalidReference, $"a new image cannot be named by digest ('{text}')") { Hint = "write NAME:TAG" };
    }

    private static ImmutableArray<OutputSpec> Outputs(Arguments arguments, CliHost host)
    {
        List<OutputSpec> outputs = [.. arguments.Values(Row.Output).Select(t => OutputParser.Parse(t, host.CurrentDirectory))];
        if (arguments.Flag(Row.Push))
        {
            int images = outputs.Count(o => o.Type == OutputType.Image);
            if (images == 0) outputs.Add(new OutputSpec { Type = OutputType.Image, Push = true });
            else outputs = [.. outputs.Select(o => o.Type == OutputType.Image ? o with { Push = true } : o)];
        }

        if (outputs.Any(o => o.Destination == "-") && host.OutputIsTerminal())
        {
            throw new KimgException(ErrorCode.InvalidOutput, "an archive is not written to a terminal")
            {
                Hint = "redirect stdout, or name a file with dest=",
            };
        }

        return [.. outputs];
    }

    // What docker build calls --cache-to type=inline.
    private static ImmutableArray<CacheDestination> CacheTo(Arguments arguments, CliHost host, ImmutableSortedDictionary<string, string> buildArgs)
    {
        List<CacheDestination> destinations = [.. arguments.Values(Row.CacheTo).Select(t => CacheParser.ParseDestination(t, host))];
        bool inline = buildArgs.GetValueOrDefault("BUILDKIT_INLINE_CACHE") is "1" or "t" or "T" or "true" or "TRUE" or "True";
        if (inline && !destinations.Any(d => d.Location is InlineCache)) destinations.Add(new CacheDestination(new InlineCache()));
        return [.. destinations];
    }

    /// <summary>A build argument wins over the variable; one that is no number ("context") is for the frontend.</summary>
    private static long? Epoch(ImmutableSortedDictionary<string, string> buildArgs, CliHost host)
    {
        if (buildArgs.TryGetValue("SOURCE_DATE_EPOCH", out string? argument))
            return long.TryParse(argument, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long seconds) ? seconds : null;
        if (host.Variable("SOURCE_DATE_EPOCH") is not { Length: > 0 } text) return null;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw new OptionSource("SOURCE_DATE_EPOCH", text)
                .Invalid("it is not a number", "it is seconds since 1970, for example $(git log -1 --format=%ct)");
    }

    private static int Parallelism(Arguments arguments)
    {
        if (arguments.Value(Row.Parallelism) is not { } text) return 0;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value > 0
            ? value
            : throw new OptionSource(Row.Parallelism.Spelling, text).Invalid("it is not a number above 0");
    }

    private static (string Key, string Value) Label(string text)
    {
        int equals = text.IndexOf('=');
        if (equals == 0 || text.Length == 0) throw new OptionSource(Row.Label.Spelling, text).Invalid("the key is empty", "write KEY=VALUE");
        return equals < 0 ? (text, "") : (text[..equals], text[(equals + 1)..]);
    }

    private static Dictionary<string, T> LastWins<T>(IEnumerable<(string Key, T Value)> pairs)
    {
        var result = new Dictionary<string, T>(StringComparer.Ordinal);
        foreach ((string key, T value) in pairs) result[key] = value;
        return result;
    }

    private static string? FileOf(Arguments arguments, OptionRow row, CliHost host) =>
        arguments.Value(row) is { Length: > 0 } path ? Path.GetFullPath(path, host.CurrentDirectory) : null;
}
