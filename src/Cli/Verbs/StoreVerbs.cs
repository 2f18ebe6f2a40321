using System.Collections.Immutable;
using System.Globalization;
using Kimg.Cli.CommandLine;
using Kimg.Cli.Facade;
using Kimg.Cli.Options;
using Kimg.Cli.Progress;
using Kimg.Engine.Build;
using Kimg.Engine.Oci;

namespace Kimg.Cli.Verbs;

/// <summary>tag, du and prune: what is in the state directory.</summary>
internal static class StoreVerbs
{
    private static readonly OptionRow s_verbose = new("verbose", ValueKind.Flag, "List every item") { Short = 'v' };

    private static readonly OptionRow s_olderThan = new("older-than", ValueKind.Single, "Only what was not used for this long (30m, 24h, 7d)")
    {
        Value = "DURATION", Configurable = true,
    };

    private static readonly OptionRow s_keep = new("keep-storage", ValueKind.Single, "Delete the longest unused until this much is left (10g)")
    {
        Value = "SIZE", Configurable = true,
    };

    private static readonly OptionRow s_all = new("all", ValueKind.Flag, "Also images that have a name") { Short = 'a' };

    private static readonly OptionRow s_filter = new(
        "filter", ValueKind.Many, "Only what this holds for: id, type, kind, description, inuse, mutable, immutable, shared, private, parents, until; with =, != or ~=")
    {
        Value = "KEY=VALUE",
    };

    private static readonly OptionRow s_keepDuration = new("keep-duration", ValueKind.Single, "The same as --older-than") { Value = "DURATION", Configurable = true };
    private static readonly OptionRow s_force = new("force", ValueKind.Flag, "For scripts written for docker: kimg never asks") { Short = 'f' };
    private static readonly OptionRow s_maxUsed = new("max-used-space", ValueKind.Single, "The same as --keep-storage") { Value = "SIZE", Configurable = true };
    private static readonly OptionRow s_minFree = new("min-free-space", ValueKind.Single, "Delete only until this much of the disk is free") { Value = "SIZE", Configurable = true };

    private static readonly OptionRow s_reserved = new("reserved-space", ValueKind.Single, "This much always stays, whatever the other limits say")
    {
        Value = "SIZE", Configurable = true,
    };

    public static Verb CreateTag() => new()
    {
        Name = "tag",
        Summary = "Give an image of the store another name",
        Positionals = "NAME NEWNAME",
        MinPositionals = 2,
        MaxPositionals = 2,
        Options = EngineOptionRows.Storage,
        Run = async (arguments, host, token) =>
        {
            ImageReference source = ImageReference.Parse(arguments.Positionals[0]), name = ImageReference.Parse(arguments.Positionals[1]);
            await using IEngine engine = EngineOptionRows.Open(arguments, host);
            await engine.TagAsync(source, name, token);
            return 0;
        },
    };

    public static Verb CreateUsage() => new()
    {
        Name = "du",
        Summary = "Show how much space the store takes",
        Options = [s_filter, s_verbose, .. EngineOptionRows.Storage],
        Run = async (arguments, host, token) =>
        {
            await using IEngine engine = EngineOptionRows.Open(arguments, host);
            UsageItem[] items = [.. await engine.ListUsageAsync(Filters(arguments), token)];
            bool verbose = arguments.Flag(s_verbose);
            foreach (IGrouping<string, UsageItem> kind in items.GroupBy(i => i.Kind).OrderBy(g => g.Key, StringComparer.Ordinal))
            {
                host.WriteLine($"{kind.Key,-12} {kind.Count(),7} {Format.Bytes(kind.Sum(i => i.Bytes)),12}");
                if (!verbose) continue;
                foreach (UsageItem item in kind.OrderByDescending(i => i.Bytes))
                {
                    string used = item.LastUsed.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
                    string description = (item.InUse ? "in use " : "") + OutputSanitizer.OneLine(item.Description);
                    host.WriteLine($"  {item.Id} {Format.Bytes(item.Bytes),10} {used} {description}".TrimEnd());
                }
            }

            host.WriteLine($"{"total",-12} {items.Length,7} {Format.Bytes(items.Sum(i => i.Bytes)),12}");
            host.WriteLine($"{"reclaimable",-12} {items.Count(i => !i.InUse),7} {Format.Bytes(items.Where(i => !i.InUse).Sum(i => i.Bytes)),12}");
            return 0;
        },
    };

    public static Verb CreatePrune() => new()
    {
        Name = "prune",
        Summary = "Delete from the store what no build uses",
        Options = [s_all, s_filter, s_force, s_olderThan, s_keepDuration, s_keep, s_maxUsed, s_minFree, s_reserved, .. EngineOptionRows.Storage],
        Run = async (arguments, host, token) =>
        {
            var request = new PruneRequest(
                (arguments.Value(s_olderThan) ?? arguments.Value(s_keepDuration)) is { } age ? Durations.Parse(new OptionSource(s_olderThan.Spelling, age), age) : null,
                Size(arguments, s_maxUsed) ?? Size(arguments, s_keep),
                arguments.Flag(s_all))
            {
                MinFreeBytes = Size(arguments, s_minFree), ReservedBytes = Size(arguments, s_reserved), Filters = Filters(arguments),
            };
            await using IEngine engine = EngineOptionRows.Open(arguments, host);
            PruneReport report = await engine.PruneAsync(request, token);
            host.WriteLine($"deleted {report.Items} items, {Format.Bytes(report.Bytes)}");
            return 0;
        },
    };

    private static long? Size(Arguments arguments, OptionRow row) =>
        arguments.Value(row) is { } size ? StepOptionParser.ParseSize(row.Spelling, size) : null;

    private static ImmutableArray<UsageFilter> Filters(Arguments arguments) =>
        [.. arguments.Values(s_filter).Select(text => UsageFilter.Parse(text, value => Durations.Parse(new OptionSource("--filter", text), value)))];
}
