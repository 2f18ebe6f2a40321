using System.Collections.Immutable;
using Kimg.Engine.Oci;

namespace Kimg.Engine.Exporters;

/// <summary>Makes a configuration's history agree with the layers, with BuildKit's rules.</summary>
internal static class ImageHistory
{
    private const string StandIn = "created by buildkit", Comment = "buildkit.exporter.image.v0";

    /// <summary>History with exactly one entry that is not empty for each layer, and a time on every entry that can have one: a layer's entry takes its
    /// layer's, others that of the entry before, or of the first new layer when there is none.</summary>
    internal static ImmutableArray<HistoryEntry> Normalize(ImmutableArray<HistoryEntry> history, IReadOnlyList<ExportLayer> layers)
    {
        var entries = new List<HistoryEntry>(history.Length);
        int paired = 0;
        foreach (HistoryEntry entry in history)
        {
            if (entry.EmptyLayer == true) entries.Add(entry);
            // More history than layers: the configuration lies, the layers do not.
            else if (paired == layers.Count) entries.Add(entry with { EmptyLayer = true });
            else entries.Add(entry with { Created = entry.Created ?? layers[paired].Created });
            if (entries[^1].EmptyLayer != true) paired++;
        }

        foreach (ExportLayer layer in layers.Skip(paired))
            entries.Add(new HistoryEntry { Created = layer.Created, CreatedBy = layer.CreatedBy ?? StandIn, Comment = Comment });
        return FillTimes(entries);
    }

    /// <summary>Times after the epoch become the epoch, but not in the leading entries that are the base image's own.</summary>
    internal static ImmutableArray<HistoryEntry> Clamp(ImmutableArray<HistoryEntry> history, ImmutableArray<HistoryEntry> baseHistory, long epoch)
    {
        Timestamp latest = Timestamp.FromUnixSeconds(epoch);
        int common = 0;
        while (common < history.Length && common < baseHistory.Length && history[common] == baseHistory[common]) common++;
        return [.. history.Select((entry, i) => i >= common && (entry.Created is not { } time || time > latest) ? entry with { Created = latest } : entry)];
    }

    private static ImmutableArray<HistoryEntry> FillTimes(List<HistoryEntry> entries)
    {
        Timestamp? created = null;
        bool missing = false;
        foreach (HistoryEntry entry in entries)
        {
            if (entry.Created is null)
            {
                missing = true;
                continue;
            }

            created = entry.Created;
            if (missing) break;
        }

        missing = false;
        var filled = ImmutableArray.CreateBuilder<HistoryEntry>(entries.Count);
        foreach (HistoryEntry entry in entries)
        {
            missing |= entry.Created is null;
            if (missing && entry.Created is not null) created = entry.Created;
            filled.Add(entry.Created is null ? entry with { Created = created } : entry);
        }

        return filled.ToImmutable();
    }
}
