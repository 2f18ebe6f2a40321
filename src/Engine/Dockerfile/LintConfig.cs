using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>What a <c>check=</c> directive or BUILDKIT_DOCKERFILE_CHECK says.</summary>
internal sealed record LintConfig
{
    public static LintConfig Default { get; } = new();

    public bool SkipAll { get; init; }

    public ImmutableHashSet<string> Skip { get; init; } = [];

    public bool ExperimentalAll { get; init; }

    public ImmutableHashSet<string> Experimental { get; init; } = [];

    /// <summary>Findings fail the build.</summary>
    public bool Error { get; init; }

    /// <summary>Parses <c>skip=A,B;error=true;experimental=C</c>.</summary>
    /// <exception cref="KimgException">InvalidInstruction: an unknown option, or a value that is none.</exception>
    public static LintConfig Parse(string text, SourceSpan? span)
    {
        var config = new LintConfig();
        if (text.Trim().Length == 0) return config;
        foreach (string part in text.Trim().Split(';', 3))
        {
            int equals = part.IndexOf('=');
            string key = equals < 0 ? "" : part[..equals].Trim(), value = part[(equals + 1)..].Trim();
            ImmutableHashSet<string> names = [.. value.Split(',').Select(n => n.Trim())];
            config = key switch
            {
                "skip" => value == "all" ? config with { SkipAll = true } : config with { Skip = names },
                "experimental" => value == "all" ? config with { ExperimentalAll = true } : config with { Experimental = names },
                "error" => config with { Error = GoBoolean.Parse(value) ?? throw Invalid(part, span) },
                _ => throw Invalid(part, span),
            };
        }

        return config;
    }

    /// <summary>This configuration with another's skips and experiments added.</summary>
    public LintConfig Merge(LintConfig other) => this with
    {
        SkipAll = SkipAll || other.SkipAll,
        Skip = Skip.Union(other.Skip),
        ExperimentalAll = ExperimentalAll || other.ExperimentalAll,
        Experimental = Experimental.Union(other.Experimental),
    };

    public bool Reports(LintRule rule) => rule.Experimental
        ? ExperimentalAll || Experimental.Contains(rule.Name)
        : !SkipAll && !Skip.Contains(rule.Name);

    private static KimgException Invalid(string part, SourceSpan? span) => new(ErrorCode.InvalidInstruction, $"invalid check option '{part.Trim()}'")
    {
        Hint = "the options are skip=Rule,…|all, error=true|false and experimental=Rule,…|all, separated by ';'", Span = span,
    };
}
