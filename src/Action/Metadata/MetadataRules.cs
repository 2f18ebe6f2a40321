using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Kimg.Ci.Hosts;
using Kimg.Engine.Primitives;

namespace Kimg.Ci.Metadata;

/// <summary>Tags, labels and annotations by the rules of docker/metadata-action, from the facts of any CI host.</summary>
internal sealed partial class MetadataRules
{
    private readonly MetadataInput _input;
    private readonly CiFacts _facts;
    private readonly Flavor _flavor;
    private readonly Dictionary<string, TemplateValue> _names;
    private readonly List<string> _tags = [], _notices = [];
    private bool? _latest;

    private MetadataRules(MetadataInput input, CiFacts facts, DateTimeOffset now)
    {
        (_input, _facts, _flavor) = (input, facts, Flavor.Parse(input.Flavor));
        _names = new(StringComparer.Ordinal)
        {
            ["branch"] = (_, _) => facts.Branch ?? "",
            ["tag"] = (_, _) => facts.Tag ?? "",
            ["sha"] = (_, _) => ShortCommit,
            ["base_ref"] = (_, _) => facts.Tag is not null || facts.PullRequest is not null ? facts.BaseBranch ?? "" : "",
            ["is_default_branch"] = (_, _) => IsDefaultBranch ? "true" : "false",
            ["is_not_default_branch"] = (_, _) => IsDefaultBranch ? "false" : "true",
            ["date"] = (format, named) => Date(now, format, named),
            ["commit_date"] = (format, named) => Date(facts.CommitDate ?? now, format, named),
        };
    }

    private string ShortCommit => _facts.Commit[..Math.Min(_input.ShortCommit, _facts.Commit.Length)];

    // The second half: events whose run is always of the default branch's last commit.
    private bool IsDefaultBranch => (_facts.Branch is { } branch && branch == _facts.DefaultBranch)
        || (_facts.Ref.Length > 0 && new[] { "create", "discussion", "issues", "schedule" }.Any(e => _facts.Event.Contains(e, StringComparison.Ordinal)));

    public static MetadataResult Apply(MetadataInput input, CiFacts facts, DateTimeOffset now) => new MetadataRules(input, facts, now).Apply();

    private MetadataResult Apply()
    {
        ImmutableArray<string> lines = _input.Tags.IsEmpty ? TagRule.Defaults : _input.Tags;
        foreach (TagRule rule in lines.Select(TagRule.Parse).OrderByDescending(r => r.Priority))
        {
            string enabled = Render(rule["enable"]);
            if (enabled is not ("true" or "false")) throw TagRule.Invalid(rule.Text, $"enable= is '{enabled}'", "it is true or false");
            if (enabled == "true") Process(rule);
        }

        ImmutableArray<string> names = [.. _tags.Distinct()];
        if (_latest == true && names.Length > 0)
        {
            string prefix = _flavor.PrefixLatest ? Render(_flavor.Prefix) : "", suffix = _flavor.SuffixLatest ? Render(_flavor.Suffix) : "";
            names = [.. names.Append(Sanitize($"{prefix}latest{suffix}")).Distinct()];
        }

        string[] images = [.. _input.Images.SelectMany(ImagesOf)];
        string? version = names.IsEmpty ? null : names[0];
        return new MetadataResult(
            version,
            names,
            _input.Images.IsEmpty ? names : [.. images.SelectMany(image => names.Select(tag => $"{image}:{tag}"))],
            Pairs(version, _input.Labels),
            Pairs(version, _input.Annotations),
            [.. _notices]);
    }

    private void Process(TagRule rule)
    {
        switch (rule.Type)
        {
            case "schedule" when _facts.Event.Contains("schedule", StringComparison.Ordinal):
                Add(rule, Render(rule["pattern"]), latest: false);
                break;
            case "semver" or "pep440":
                ProcessVersion(rule);
                break;
            case "match":
                ProcessMatch(rule);
                break;
            case "ref":
                (string? value, bool latest) = rule["event"] switch
                {
                    "branch" => (_facts.Branch, false),
                    "tag" => (_facts.Tag, true),
                    _ => (_facts.PullRequest, false),
                };
                if (value is not null) Add(rule, value, latest);
                break;
            case "edge" when _facts.Branch is { } branch && branch == (rule["branch"].Length > 0 ? rule["branch"] : _facts.DefaultBranch):
                Add(rule, "edge", latest: false);
                break;
            case "raw":
                Add(rule, Render(rule["value"]), latest: false);
                break;
            case "sha" when _facts.Commit.Length > 0:
                Add(rule, rule["format"] == "short" ? ShortCommit : _facts.Commit, latest: false);
                break;
        }
    }

    private string? ValueOf(TagRule rule) => rule["value"].Length > 0 ? Render(rule["value"]) : _facts.Tag;

    private void ProcessVersion(TagRule rule)
    {
        if (ValueOf(rule) is not { } text) return;
        if (rule["match"].Length > 0)
        {
            Match match = Matching(rule, rule["match"], text);
            if (match is { Success: true, Groups.Count: > 1 }) text = match.Groups[1].Value;
            else _notices.Add($"'{rule["match"]}' does not match '{text}'");
        }

        text = text.Replace('/', '-');
        bool semantic = rule.Type == "semver";
        if ((semantic ? Versions.Semantic(text) : Versions.Python(text)) is not { } version)
        {
            _notices.Add($"'{text}' is not a version of {(semantic ? "semver.org" : "PEP 440")}, so '{rule.Text}' gives no tag");
            return;
        }

        // What is not final must not move 1 and 1.2.
        string pattern = version.Final || Template.IsRaw(rule["pattern"]) ? rule["pattern"] : "{{version}}";
        string tag = Template.Render(pattern, new Dictionary<string, TemplateValue>(StringComparer.Ordinal)
        {
            ["raw"] = (_, _) => version.Raw,
            ["version"] = (_, _) => version.Clean,
            ["major"] = (_, _) => version.Major,
            ["minor"] = (_, _) => version.Minor,
            ["patch"] = (_, _) => version.Patch,
        });
        Add(rule, tag, version.Final);
    }

    private void ProcessMatch(TagRule rule)
    {
        if (ValueOf(rule) is not { } text) return;
        string pattern = rule["pattern"];
        Match match = Slashed().Match(pattern) is { Success: true } slashed
            ? Matching(rule, slashed.Groups[1].Value, text, slashed.Groups[2].Value)
            : Matching(rule, pattern, text);
        int group = int.Parse(rule["group"], CultureInfo.InvariantCulture);
        if (!match.Success) _notices.Add($"'{pattern}' does not match '{text}'");
        else if (!match.Groups[group].Success) _notices.Add($"'{pattern}' has no group {group}");
        else Add(rule, match.Groups[group].Value, latest: true);
    }

    private static Match Matching(TagRule rule, string pattern, string text, string flags = "")
    {
        RegexOptions options = RegexOptions.CultureInvariant | (flags.Contains('i') ? RegexOptions.IgnoreCase : 0)
            | (flags.Contains('m') ? RegexOptions.Multiline : 0) | (flags.Contains('s') ? RegexOptions.Singleline : 0);
        try
        {
            return Regex.Match(text, GroupNumbers.AsInJavaScript(pattern), options, TimeSpan.FromSeconds(1));
        }
        catch (Exception e) when (e is ArgumentException or RegexMatchTimeoutException)
        {
            throw TagRule.Invalid(rule.Text, e.Message.ReplaceLineEndings(" ").TrimEnd('.'), "correct the regular expression");
        }
    }

    /// <param name="latest">Whether flavor latest=auto adds the tag latest for this rule.</param>
    private void Add(TagRule rule, string value, bool latest)
    {
        value = Render(rule.Attributes.GetValueOrDefault("prefix", _flavor.Prefix)) + value + Render(rule.Attributes.GetValueOrDefault("suffix", _flavor.Suffix));
        if (value.Length == 0) return;
        _tags.Add(Sanitize(value));
        // The rule of the highest priority decides.
        _latest ??= _flavor.Latest ?? latest;
    }

    private string Render(string text) => Template.Render(text, _names);

    private static string Date(DateTimeOffset date, string? format, IReadOnlyDictionary<string, string> named)
    {
        if (named.Keys.FirstOrDefault(k => k != "tz") is { } unknown) throw TagRule.Invalid("date", $"unknown key '{unknown}'", "tz='Europe/Berlin'");
        return DateText.Format(date, format ?? "YYYY-MM-DDTHH:mm:ssZ", named.GetValueOrDefault("tz"));
    }

    // "NAME,NAME", or "name=NAME,enable=BOOL"
    private IEnumerable<string> ImagesOf(string line)
    {
        KimgException Invalid(string why) => new(ErrorCode.InvalidArgument, $"images '{line}': {why}") { Hint = "name=IMAGE,enable=true" };
        List<string> names = [];
        string? enabled = null;
        foreach (string field in RuleFields.Split(line))
        {
            int equals = field.IndexOf('=');
            (string key, string value) = equals < 0 ? ("name", field.Trim()) : (field[..equals].Trim().ToLowerInvariant(), field[(equals + 1)..].Trim());
            if (key == "name") names.Add(value.ToLowerInvariant());
            else if (key == "enable") enabled = Render(value);
            else throw Invalid($"unknown key '{key}'");
        }

        if (names.Count == 0 || names.Contains("")) throw Invalid("it names no image");
        if (enabled is not (null or "true" or "false")) throw Invalid($"enable= is '{enabled}', it is true or false");
        if (enabled is not null && names.Count > 1) throw Invalid("it names two images with one enable=");
        return enabled == "false" ? [] : names;
    }

    private ImmutableSortedDictionary<string, string> Pairs(string? version, ImmutableArray<string> more)
    {
        const string Prefix = "org.opencontainers.image.";
        var pairs = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        pairs[Prefix + "title"] = _facts.Repository;
        pairs[Prefix + "description"] = _facts.Description;
        pairs[Prefix + "url"] = _facts.Url.EndsWith(".git", StringComparison.Ordinal) ? _facts.Url[..^4] : _facts.Url;
        pairs[Prefix + "source"] = _facts.Url;
        pairs[Prefix + "version"] = version ?? "";
        // The commit's date or none, so that the same commit gives the same image.
        if (_facts.CommitDate is { } date) pairs[Prefix + "created"] = date.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
        pairs[Prefix + "revision"] = _facts.Commit;
        pairs[Prefix + "licenses"] = _facts.License;
        foreach (string text in more.Select(Render))
        {
            int equals = text.IndexOf('=');
            if (equals > 0) pairs[text[..equals]] = text[(equals + 1)..];
        }

        return pairs.ToImmutable();
    }

    private static string Sanitize(string tag) => NotInTags().Replace(tag, "-");

    [GeneratedRegex("[^a-zA-Z0-9._-]+")]
    private static partial Regex NotInTags();

    [GeneratedRegex("^/(.+)/([a-z]*)$")]
    private static partial Regex Slashed();
}
