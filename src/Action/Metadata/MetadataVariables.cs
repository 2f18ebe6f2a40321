using System.Globalization;
using Kimg.Ci.Hosts;
using Kimg.Engine.Primitives;

namespace Kimg.Ci.Metadata;

/// <summary>The variables by which docker/metadata-action is set up.</summary>
internal static class MetadataVariables
{
    private const string ShortLength = "DOCKER_METADATA_SHORT_SHA_LENGTH", HeadCommit = "DOCKER_METADATA_PR_HEAD_SHA", Levels = "DOCKER_METADATA_ANNOTATIONS_LEVELS";

    /// <summary>Tags, labels and annotations as the input and the variables say.</summary>
    public static MetadataResult Apply(MetadataInput input, CiFacts facts, Func<string, string?> variable, DateTimeOffset now)
    {
        if (variable(ShortLength) is { Length: > 0 } length)
        {
            if (!int.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out int characters) || characters < 1)
                throw new KimgException(ErrorCode.InvalidArgument, $"{ShortLength} is '{length}'") { Hint = "write how many characters of a commit there shall be, such as 7" };
            input = input with { ShortCommit = characters };
        }

        bool own = string.Equals(variable(HeadCommit), "true", StringComparison.OrdinalIgnoreCase);
        if (own && facts.HeadCommit is { } head && facts.Event.Contains("pull_request", StringComparison.Ordinal)) facts = facts with { Commit = head };
        return MetadataRules.Apply(input, facts, now);
    }

    /// <summary>The annotations as build takes them, those that name a level after the others, which they replace.</summary>
    public static IEnumerable<string> Annotations(MetadataResult result, Func<string, string?> variable)
    {
        string levels = variable(Levels) is { Length: > 0 } given ? given : "manifest";
        return result.Annotations.Where(a => a.Value.Length > 0).OrderBy(a => a.Key.Contains(':'))
            .Select(a => a.Key.Contains(':') ? $"{a.Key}={a.Value}" : $"{levels}:{a.Key}={a.Value}");
    }
}
