using System.Collections.Immutable;

namespace Kimg.Ci.Metadata;

/// <summary>The fields of one rule.</summary>
internal static class RuleFields
{
    public static ImmutableArray<string> Split(string text) =>
        CsvRecords.Read(text, quotes: true, comments: false, why => TagRule.Invalid(text, why, "close it")) is [var record, ..] ? record.Fields : [""];
}
