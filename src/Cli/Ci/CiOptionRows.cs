using System.Collections.Immutable;
using Kimg.Cli.CommandLine;
using Kimg.Cli.Options;

namespace Kimg.Cli.Ci;

/// <summary>The options of <c>kimg ci build</c> besides those of <c>kimg build</c>.</summary>
internal static class CiOptionRows
{
    public static readonly OptionRow Image = new("image", ValueKind.Many, "An image that the rules name; a host with a registry has a default")
    {
        Value = "NAME",
    };

    public static readonly OptionRow TagRule = new("tag-rule", ValueKind.Many, "A tag by docker/metadata-action's rules, such as type=ref,event=branch; 'default' stands for its default rules")
    {
        Value = "RULE",
    };

    public static readonly OptionRow Flavor = new("flavor", ValueKind.Many, "latest=auto|true|false, prefix=, suffix=, for all rules") { Value = "FLAVOR" };

    public static readonly OptionRow OciLabels = new("oci-labels", ValueKind.Flag, "Add the org.opencontainers.image labels: source, revision, version and so on") { Configurable = true };

    public static readonly OptionRow Check = new("check-level", ValueKind.Single, "What findings in the Dockerfile do")
    {
        Value = "LEVEL", Choices = ["warn", "error", "off"], Default = "warn", Configurable = true,
    };

    public static readonly OptionRow NoAnnotations = new("no-annotations", ValueKind.Flag, "Do not show errors and findings on their lines") { Configurable = true };

    public static readonly OptionRow Dotenv = FileRow("dotenv", "Write the results as KIMG_NAME=value lines");

    public static readonly OptionRow CodeQuality = FileRow("codequality", "Write findings as GitLab's code quality report");

    public static readonly OptionRow Sarif = FileRow("sarif", "Write findings as SARIF 2.1.0");

    public static readonly OptionRow Summary = FileRow("summary", "Append a summary in Markdown; GitHub has a default");

    public static readonly ImmutableArray<OptionRow> All =
    [
        Image, TagRule, Flavor, OciLabels, Check, NoAnnotations, Dotenv, CodeQuality, Sarif, Summary,
        .. BuildOptionRows.All.Where(r => r != BuildOptionRows.Call && r != BuildOptionRows.Check),
    ];

    private static OptionRow FileRow(string name, string help) => new(name, ValueKind.Single, help) { Value = "FILE", Path = PathKind.File };
}
