using Kimg.Cli.CommandLine;

namespace Kimg.Cli.Options;

/// <summary>--call METHOD[,format=FORMAT] and --check.</summary>
/// <param name="Method">build, check, outline, targets or subrequests.describe.</param>
/// <param name="Format">text, json, or for check sarif.</param>
internal sealed record BuildCall(string Method, string Format)
{
    private static readonly string[] s_methods = ["build", "check", "lint", "outline", "targets", "subrequests.describe"];
    private static readonly string[] s_formats = ["text", "json", "sarif"];

    public static BuildCall Parse(Arguments arguments)
    {
        string text = arguments.Value(BuildOptionRows.Call) ?? (arguments.Flag(BuildOptionRows.Check) ? "check" : "build");
        var source = new OptionSource(BuildOptionRows.Call.Spelling, text);
        string method = arguments.Flag(BuildOptionRows.Check) ? "check" : "build", format = "text";
        foreach ((string key, string? value) in Csv.Pairs(source, text))
        {
            if (value is null) method = key;
            else if (key != "format") throw source.UnknownKey(key, ["format"]);
            else if (!s_formats.Contains(value)) throw source.Invalid($"unknown format '{value}'", DidYouMean.Hint(value, s_formats, "formats"));
            else format = value;
        }

        if (!s_methods.Contains(method))
        {
            throw source.Invalid($"unknown method '{method}'", DidYouMean.Hint(method, s_methods, "methods"));
        }

        if (method == "lint") method = "check";
        if (format == "sarif" && method != "check") throw source.Invalid("sarif is a format of findings only", "use --call=check,format=sarif");
        return new BuildCall(method, format);
    }
}
