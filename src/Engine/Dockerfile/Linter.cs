using System.Collections.Immutable;
using System.Globalization;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>Collects findings under a configuration; <see cref="For"/> narrows it for one instruction.</summary>
internal sealed class Linter
{
    private readonly List<LintWarning> _warnings;
    private readonly LintConfig _config;

    public Linter(LintConfig config) : this(config, [])
    {
    }

    private Linter(LintConfig config, List<LintWarning> warnings) => (_config, _warnings) = (config, warnings);

    /// <summary>Reports nothing.</summary>
    public static Linter Silent => new(new LintConfig { SkipAll = true });

    /// <summary>The findings in the order of their lines.</summary>
    public ImmutableArray<LintWarning> Warnings => [.. _warnings.OrderBy(w => w.Span?.StartLine ?? 0)];

    /// <summary>A linter for an instruction with these comments above it: a <c># check=skip=…</c> among them counts.</summary>
    public Linter For(ImmutableArray<string> comments)
    {
        foreach (string comment in comments)
        {
            if (new DirectiveScanner("").Read(comment, 1) is not { Name: ParserDirective.Check } check) continue;
            try
            {
                return new Linter(_config.Merge(LintConfig.Parse(check.Value.Split(' ')[0], null)), _warnings);
            }
            catch (KimgException invalid) when (invalid.Code == ErrorCode.InvalidInstruction)
            {
                return this; // as the reference: an ordinary comment may happen to look like this
            }
        }

        return this;
    }

    public void Report(LintRule rule, SourceSpan span, params ReadOnlySpan<object> values)
    {
        if (!_config.Reports(rule)) return;
        string detail = string.Format(CultureInfo.InvariantCulture, rule.Message, values);
        _warnings.Add(new LintWarning(rule.Name, rule.Description, detail, span) { Url = rule.Url });
    }

    /// <exception cref="KimgException">LintFailed, when the configuration makes findings errors and there are some.</exception>
    public void ThrowIfErrors()
    {
        if (!_config.Error || _warnings.Count == 0) return;
        IEnumerable<string> rules = _warnings.Select(w => w.Rule).Distinct().Order(StringComparer.Ordinal);
        throw new KimgException(ErrorCode.LintFailed, $"lint violation found for rules: {string.Join(", ", rules)}")
        {
            Hint = "fix them, or skip a rule with '# check=skip=Rule'", Span = Warnings[0].Span,
        };
    }
}
