using System.Text;

namespace Kimg.Tool;

/// <summary>Paths in options are relative to where the tool was started, and MSBuild runs kimg in the project's directory: here they become absolute.</summary>
/// <param name="directory">Where the tool was started.</param>
/// <param name="variable">A variable of the environment, or null.</param>
internal sealed class CallerPaths(string directory, Func<string, string?> variable)
{
    private static readonly string[] s_plain = ["file", "as-file", "metadata-file", "state-dir", "iidfile", "kimg-binary"];

    /// <returns>The value of the option as it means the same from everywhere.</returns>
    /// <exception cref="UsageException">It asks for standard output, which is MSBuild's.</exception>
    public string Rooted(string option, string value) => option switch
    {
        _ when s_plain.Contains(option) => Absolute(value),
        "context" => IsRemote(value) ? value : Absolute(value),
        "output" => Output(value),
        "secret" => Secret(value),
        "cache-to" or "cache-from" => value.Contains("type=local", StringComparison.Ordinal) ? Fields(value, "src", "dest") : value,
        "build-context" => Named(value, Context),
        "ssh" => Named(value, paths => string.Join(',', paths.Split(',').Select(Absolute))),
        _ => value,
    };

    private string Absolute(string path) => Path.GetFullPath(path, directory);

    private string Output(string value)
    {
        if (value == "-" || Split(value).Any(field => field is "dest=-" or "destination=-"))
            throw new UsageException("--output to standard output is for Dockerfile directories: a project's build writes its log there (name a file with dest=)");
        return value.Contains('=', StringComparison.Ordinal) ? Fields(value, "dest", "destination") : Absolute(value);
    }

    // Without src and env it is the variable of the id's name, or else the file.
    private string Secret(string value)
    {
        string[] keys = [.. Split(value).Select(field => field.Split('=', 2)[0].ToLowerInvariant())];
        bool isVariable = Split(value).Contains("type=env");
        if (isVariable || keys.Contains("env") || keys.Contains("src") || keys.Contains("source")) return isVariable ? value : Fields(value, "src", "source");
        return Split(value).FirstOrDefault(field => field.StartsWith("id=", StringComparison.OrdinalIgnoreCase)) is { } id
            && (variable(id[3..]) is null || Split(value).Contains("type=file")) ? $"{value},{Quoted("src=" + Absolute(id[3..]))}" : value;
    }

    private string Context(string value)
    {
        const string layout = "oci-layout://";
        if (value.StartsWith(layout, StringComparison.Ordinal)) return layout + Absolute(value[layout.Length..]);
        return IsRemote(value) && !Directory.Exists(Absolute(value)) ? value : Absolute(value);
    }

    private static bool IsRemote(string value) => value.Contains("://", StringComparison.Ordinal) || value.StartsWith("git@", StringComparison.Ordinal)
        || value.StartsWith("target:", StringComparison.Ordinal);

    private static string Named(string value, Func<string, string> change) =>
        value.IndexOf('=') is > 0 and var equals ? value[..(equals + 1)] + change(value[(equals + 1)..]) : value;

    private string Fields(string value, params string[] keys) => string.Join(',', Split(value).Select(field =>
        Quoted(keys.Any(key => field.StartsWith(key + "=", StringComparison.OrdinalIgnoreCase)) ? Named(field, Absolute) : field)));

    private static string Quoted(string field) =>
        field.AsSpan().IndexOfAny(',', '"') < 0 ? field : $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    // Comma-separated; a field in quotes may hold commas, and quotes as two.
    private static List<string> Split(string value)
    {
        List<string> fields = [];
        var field = new StringBuilder();
        bool quoted = false;
        for (int i = 0; i < value.Length; i++)
        {
            char c = value[i];
            if (quoted && c == '"' && i + 1 < value.Length && value[i + 1] == '"') field.Append(value[++i]);
            else if (c == '"') quoted = !quoted;
            else if (c == ',' && !quoted)
            {
                fields.Add(field.ToString());
                field.Clear();
            }
            else field.Append(c);
        }

        fields.Add(field.ToString());
        return fields;
    }
}
