using System.Globalization;
using System.Text;

namespace Kimg.Tool;

/// <summary>The command line for a project or solution → that of <c>dotnet build</c>, which evaluates it and runs the tasks.</summary>
internal static class DotnetArguments
{
    // Options that are properties of the tasks; all others go to kimg as they are.
    private static readonly Dictionary<string, string> s_properties = new(StringComparer.Ordinal)
    {
        ["file"] = "KimgDockerfile", ["context"] = "KimgContext", ["target"] = "KimgTarget", ["state-dir"] = "KimgStateDirectory", ["isolation"] = "KimgIsolation",
        ["as-file"] = "KimgAsFile", ["metadata-file"] = "KimgMetadataFile", ["sbom"] = "KimgSbom", ["provenance"] = "KimgProvenance", ["framework"] = "KimgTargetFramework",
        ["push"] = "KimgPush", ["portable"] = "KimgPortable", ["no-cache"] = "KimgNoCache", ["pull"] = "KimgPull",
    };

    private static readonly (string Option, string Property)[] s_lists =
    [
        ("tag", "KimgImageNames"), ("platform", "KimgPlatforms"), ("registry-insecure", "KimgRegistryInsecure"), ("registry-mirror", "KimgRegistryMirror"),
    ];

    private static readonly string[] s_own =
        ["base", "arch", "tag", "platform", "registry-insecure", "registry-mirror", "configuration", "verbosity", "quiet", "print", "check", "progress", "debug", "log-format"];

    /// <param name="directory">Where the tool's own files are.</param>
    /// <param name="printed">Where --print puts the Dockerfile first.</param>
    public static IEnumerable<string> Of(CommandLine line, Subject subject, string directory, string currentDirectory, string printed)
    {
        yield return "build";
        yield return subject.Path;
        yield return "-nologo";
        yield return line.Flag("check") ? "-t:CheckDockerfile" : "-t:BuildImage";
        yield return "-c:" + (line.Last("configuration") ?? "Release");
        foreach (string argument in LogArguments.Of(line)) yield return argument;
        if (line.Flag("quiet")) yield return "-getProperty:KimgImageId";
        string targets = Path.Combine(directory, "Tool.targets");
        yield return Property("CustomAfterMicrosoftCommonTargets", targets);
        yield return Property("CustomAfterMicrosoftCommonCrossTargetingTargets", targets);
        yield return Property("_IsPublishing", "true");
        foreach ((string name, string[] values) in Properties(line, currentDirectory, printed)) yield return Property(name, values);
        foreach (string argument in line.ForMsbuild) yield return argument;
    }

    private static IEnumerable<(string Name, string[] Values)> Properties(CommandLine line, string currentDirectory, string printed)
    {
        var paths = new CallerPaths(currentDirectory, Environment.GetEnvironmentVariable);
        foreach ((string name, string value) in line.Options)
        {
            if (!s_properties.TryGetValue(name, out string? property)) continue;
            yield return (property, [paths.Rooted(name, value)]);
        }

        // A name with ':' or '/' is an image, one without a flavour such as alpine.
        if (line.Last("base") is { } image) yield return (image.AsSpan().IndexOfAny(':', '/') < 0 ? "ContainerFamily" : "ContainerBaseImage", [image]);
        string[] architectures = [.. line.All("arch").SelectMany(value => value.Split(',', ';')).Select(Runtime)];
        if (architectures.Length > 0) yield return (architectures.Length == 1 ? "ContainerRuntimeIdentifier" : "ContainerRuntimeIdentifiers", architectures);
        foreach ((string option, string property) in s_lists)
        {
            string[] values = [.. line.All(option).SelectMany(value => option == "platform" ? value.Split(',') : [value])];
            if (values.Length > 0) yield return (property, values);
        }

        if (line.Flag("print")) yield return ("KimgAsFile", [printed]);
        string[] rest =
        [
            .. line.Options.Where(o => !s_properties.ContainsKey(o.Name) && !s_own.Contains(o.Name))
                .Select(o => $"--{o.Name}={paths.Rooted(o.Name, o.Value)}"),
        ];
        if (rest.Length > 0) yield return ("KimgBuildOptions", rest);
    }

    private static string Runtime(string architecture) => architecture.Contains('-', StringComparison.Ordinal) ? architecture : "linux-" + architecture switch
    {
        "amd64" or "x86_64" => "x64",
        "aarch64" => "arm64",
        var other => other,
    };

    // MSBuild splits at semicolons and commas that are not in quotes, and lists at those that are not escaped.
    private static string Property(string name, params string[] values) =>
        $"-p:{name}={(values.Length == 1 ? Escape(values[0]) : $"\"{string.Join(';', values.Select(Escape))}\"")}";

    private static string Escape(string value)
    {
        var text = new StringBuilder(value.Length);
        foreach (char c in value)
        {
            if (c is '%' or ';' or ',' or '"' or '$' or '@' or '*' or '?') text.Append(CultureInfo.InvariantCulture, $"%{(int)c:X2}");
            else text.Append(c);
        }

        return text.ToString();
    }
}
