using System.Globalization;

namespace Kimg.Ci.Hosts;

/// <summary>A CI system: how its log is folded, where messages on lines and results go. This one is any that is not known: plain text.</summary>
/// <param name="variable">Looks up an environment variable.</param>
internal class CiHost(string name, CiFacts facts, Func<string, string?> variable)
{
    /// <summary>As <c>kimg ci detect</c> prints it.</summary>
    public string Name { get; } = name;

    public CiFacts Facts { get; } = facts with { CommitDate = facts.CommitDate ?? Date(variable("KIMG_CI_COMMIT_DATE")) ?? Date(variable("SOURCE_DATE_EPOCH")) };

    protected Func<string, string?> Variable { get; } = variable;

    /// <summary>Lines before and after a folded part of the log, each with its line end; empty where the host folds nothing.</summary>
    public virtual string BeginGroup(string id, string title, DateTimeOffset at) => "";

    public virtual string EndGroup(string id, DateTimeOffset at) => "";

    /// <summary>What the log must hold to show the message on its line; the default is a compiler's form. "" for errors without a line: the log ends with them.</summary>
    public virtual string Annotate(CiAnnotation annotation)
    {
        if (annotation.Error && annotation.File is null) return "";
        string place = annotation.File is null ? "" : annotation.Line > 0 ? $"{annotation.File}:{annotation.Line}: " : annotation.File + ": ";
        return $"{place}{(annotation.Error ? "error" : "warning")}: {OneLine(annotation.Title)}: {annotation.Message.ReplaceLineEndings("; ")}\n";
    }

    /// <summary>How many annotations of a kind the host shows for a step.</summary>
    public virtual int AnnotationLimit => 100;

    /// <summary>Tells the host to hide a value in what follows; "" where it does so by itself or cannot.</summary>
    public virtual string Mask(string secret) => "";

    /// <summary>Makes results known to later steps. Returns what the log must hold.</summary>
    /// <param name="outputs">Names as GitHub has them: lower case, with dashes.</param>
    public virtual string Publish(IReadOnlyList<KeyValuePair<string, string>> outputs) => "";

    /// <summary>The file that takes a summary in Markdown, or null.</summary>
    public virtual string? SummaryFile => null;

    /// <summary>digest → KIMG_DIGEST. Variables that would be settings of kimg in a later step have another name.</summary>
    public static string VariableName(string output) => output switch
    {
        "image" => "KIMG_IMAGE_REF",
        "version" => "KIMG_IMAGE_VERSION",
        _ => "KIMG_" + output.ToUpperInvariant().Replace('-', '_'),
    };

    // As ISO 8601 or in seconds since 1970: pipelines have it as git's %cI or %ct.
    private static DateTimeOffset? Date(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds) && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset date) ? date : null;

    /// <summary>What a host hides line by line. A line of braces alone is no secret: hiding it would hide all braces of the log.</summary>
    protected static IEnumerable<string> SecretLines(string secret)
    {
        string[] lines = [.. secret.Split('\n').Select(line => line.Trim('\r')).Where(line => line.Trim().Length > 0)];
        return lines.Length == 1 ? lines : lines.Where(line => line.Any(char.IsLetterOrDigit));
    }

    protected static string OneLine(string text) => text.ReplaceLineEndings(" ");

    /// <summary>The registry that the job has credentials for without being given any; null: none.</summary>
    public virtual string? OwnRegistry => null;
}
