using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Kimg.Engine.Primitives;

namespace Kimg.Tasks;

/// <summary>Writes an application's image as a Dockerfile: no RUN, so nothing is executed, and every layer is linked, so the base is not even
/// fetched. Each group of files is made on an empty root first, because --chmod and --link exclude each other.</summary>
internal static class AppDockerfile
{
    /// <param name="portable">One COPY of the whole directory, for builders that know neither --parents nor --chmod with letters.</param>
    public static string Render(AppImage image, string projectName, bool portable)
    {
        var text = new StringBuilder();
        if (!portable) text.Append("# check=skip=all\n");
        text.Append(CultureInfo.InvariantCulture, $"# Made by Kimg.Tasks from {projectName}.\n");
        bool single = image.Platforms.Select(p => p.Context).Distinct().Count() == 1;
        foreach (AppPlatform platform in image.Platforms.DistinctBy(p => p.Context))
        {
            string suffix = single ? "" : "-" + Suffix(platform.Platform);
            if (!portable) Groups(text, image, platform, suffix);
        }

        if (single) Stage(text, image, image.Platforms[0], "", portable, name: null);
        else
        {
            foreach (AppPlatform platform in image.Platforms) Stage(text, image, platform, "-" + Suffix(platform.Platform), portable, "image-" + Suffix(platform.Platform));
            text.Append("FROM image-${TARGETARCH}${TARGETVARIANT}\n");
        }

        Configuration(text, image);
        return text.ToString();
    }

    /// <summary>Labels that a Dockerfile cannot hold: their values have line breaks.</summary>
    public static IEnumerable<KeyValuePair<string, string>> LabelsOutside(AppImage image) => image.Labels.Where(label => HasBreak(label.Value));

    private static string Suffix(Platform platform) => platform.Architecture + platform.Variant switch
    {
        // What BuildKit has in TARGETVARIANT.
        { } variant when platform.Architecture == "arm" => variant,
        _ => "",
    };

    private static void Groups(StringBuilder text, AppImage image, AppPlatform platform, string suffix)
    {
        string owner = image.Owner is { } uid ? FormattableString.Invariant($" --chown={uid}:{uid}") : "";
        foreach (PublishLayer layer in platform.Layers.Layers)
        {
            text.Append(CultureInfo.InvariantCulture, $"\nFROM scratch AS {layer.Name}{suffix}\n");
            text.Append(CultureInfo.InvariantCulture, $"COPY --from={platform.Context}{owner} --chmod=u=rwX,go=rX --parents ");
            text.Append(Words([.. layer.Files.Select(Pattern), Word(image.WorkingDirectory)])).Append('\n');
        }
    }

    private static void Stage(StringBuilder text, AppImage image, AppPlatform platform, string suffix, bool portable, string? name)
    {
        text.Append(CultureInfo.InvariantCulture, $"\nFROM {image.Base}{(name is null ? "" : " AS " + name)}\n");
        if (portable)
        {
            text.Append(CultureInfo.InvariantCulture, $"COPY --from={platform.Context} . ").Append(Word(image.WorkingDirectory)).Append('\n');
            return;
        }

        foreach (PublishLayer layer in platform.Layers.Layers) text.Append(CultureInfo.InvariantCulture, $"COPY --link --from={layer.Name}{suffix} / /\n");
    }

    private static void Configuration(StringBuilder text, AppImage image)
    {
        text.Append("WORKDIR ").Append(Word(image.WorkingDirectory)).Append('\n');
        foreach (AppVariable variable in image.Environment)
        {
            if (HasBreak(variable.Value))
            {
                throw new KimgException(ErrorCode.InvalidProjectProperty, $"ContainerEnvironmentVariable '{variable.Name}' has a line break in its value")
                {
                    Hint = "an image's environment has one line for each variable",
                };
            }

            text.Append("ENV ").Append(Word(variable.Name)).Append('=').Append(Quoted(variable.Value)).Append('\n');
        }

        foreach (string port in image.Ports) text.Append("EXPOSE ").Append(port).Append('\n');
        foreach ((string key, string value) in image.Labels.Where(label => !HasBreak(label.Value)))
            text.Append("LABEL ").Append(Quoted(key)).Append('=').Append(Quoted(value)).Append('\n');
        if (image.User.Length > 0) text.Append("USER ").Append(Word(image.User)).Append('\n');
        // Both, so that nothing of the base's remains.
        text.Append("ENTRYPOINT ").Append(Words(image.Entrypoint)).Append("\nCMD ").Append(Words(image.Cmd)).Append('\n');
    }

    private static bool HasBreak(string value) => value.AsSpan().IndexOfAny('\n', '\r') >= 0;

    // A file's name is a pattern to COPY when it has a wildcard, each of which a class of its own takes as it is; otherwise it is only a name.
    private static string Pattern(string file)
    {
        if (file.AsSpan().IndexOfAny('*', '?', '[') < 0) return Word(file);
        var text = new StringBuilder(file.Length);
        foreach (char c in file)
        {
            if (c is '*' or '?' or '[') text.Append('[').Append(c).Append(']');
            else text.Append(c == '\\' ? "\\\\" : c.ToString());
        }

        return Word(text.ToString());
    }

    /// <summary>Kept from expansion.</summary>
    private static string Word(string value)
    {
        var text = new StringBuilder(value.Length);
        foreach (char c in value)
        {
            // '<' because a word that begins with two of them is a here-document.
            if (c is '\\' or '$' or '"' or '\'' or '<') text.Append('\\');
            text.Append(c);
        }

        return text.ToString();
    }

    private static string Quoted(string value) =>
        "\"" + value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("$", "\\$", StringComparison.Ordinal) + "\"";

    private static string Words(IEnumerable<string> words) => "[" + string.Join(", ", words.Select(word => $"\"{JsonEncodedText.Encode(word, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"")) + "]";
}
