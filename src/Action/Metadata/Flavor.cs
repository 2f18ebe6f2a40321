using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Ci.Metadata;

/// <summary>The input <c>flavor</c>.</summary>
/// <param name="Latest">null: auto.</param>
internal sealed record Flavor(bool? Latest, string Prefix, bool PrefixLatest, string Suffix, bool SuffixLatest)
{
    public static Flavor Parse(ImmutableArray<string> lines)
    {
        Flavor flavor = new(null, "", false, "", false);
        foreach (string line in lines)
        {
            // "onlatest" belongs to the prefix or suffix of its line.
            string last = "";
            foreach (string field in RuleFields.Split(line))
            {
                int equals = field.IndexOf('=');
                if (equals < 0) throw Invalid(line, field);
                (string key, string value) = (field[..equals].Trim().ToLowerInvariant(), field[(equals + 1)..].Trim());
                flavor = (key, value) switch
                {
                    ("latest", "auto") => flavor with { Latest = null },
                    ("latest", "true" or "false") => flavor with { Latest = value == "true" },
                    ("prefix", _) => flavor with { Prefix = value },
                    ("suffix", _) => flavor with { Suffix = value },
                    ("onlatest", "true" or "false") when last == "prefix" => flavor with { PrefixLatest = value == "true" },
                    ("onlatest", "true" or "false") when last == "suffix" => flavor with { SuffixLatest = value == "true" },
                    _ => throw Invalid(line, field),
                };
                last = key;
            }
        }

        return flavor;
    }

    private static KimgException Invalid(string line, string field) => new(ErrorCode.InvalidArgument, $"invalid flavor '{line}': '{field}' is not understood")
    {
        Hint = "latest=auto|true|false, prefix=TEXT,onlatest=BOOL, suffix=TEXT,onlatest=BOOL",
    };
}
