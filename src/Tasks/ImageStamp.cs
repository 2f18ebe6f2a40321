using System.Collections.Immutable;

namespace Kimg.Tasks;

/// <summary>What the last build made, and from what: kept in obj, compared before the next.</summary>
internal sealed record ImageStamp
{
    private const string Complete = "Complete";

    public required string Fingerprint { get; init; }

    /// <summary>What the base's name stood for.</summary>
    public string BaseDigest { get; init; } = "";

    /// <summary>Empty: no image was asked for (type=local and its like).</summary>
    public string Digest { get; init; } = "";

    /// <summary>Empty for an index.</summary>
    public string ImageId { get; init; } = "";

    public string MediaType { get; init; } = "";

    public ImmutableArray<string> Names { get; init; } = [];

    /// <summary>Files that must still be there.</summary>
    public ImmutableArray<string> Archives { get; init; } = [];

    /// <summary>What they looked like when they were written: another build may have written another image there.</summary>
    public ImmutableArray<string> ArchiveStates { get; init; } = [];

    /// <summary>Length and time of a file; empty when there is none.</summary>
    public static string StateOf(string file) =>
        new FileInfo(file) is { Exists: true } info ? FormattableString.Invariant($"{info.Length} {info.LastWriteTimeUtc.Ticks}") : "";

    public bool Pushed { get; init; }

    /// <summary>In the store of kimg, too if it was pushed.</summary>
    public bool Stored { get; init; }

    /// <summary>Null when there is none, or it cannot be read: then everything is built.</summary>
    public static ImageStamp? TryRead(string file)
    {
        if (!File.Exists(file)) return null;
        ILookup<string, string> values = File.ReadAllLines(file).Select(line => line.Split('=', 2)).Where(parts => parts.Length == 2)
            .ToLookup(parts => parts[0], parts => parts[1]);
        // The last line.
        if (!values.Contains(Complete)) return null;
        string Text(string name) => values[name].FirstOrDefault("");
        return new ImageStamp
        {
            Fingerprint = Text(nameof(Fingerprint)),
            BaseDigest = Text(nameof(BaseDigest)),
            Digest = Text(nameof(Digest)),
            ImageId = Text(nameof(ImageId)),
            MediaType = Text(nameof(MediaType)),
            Names = [.. values[nameof(Names)]],
            Archives = [.. values[nameof(Archives)]],
            ArchiveStates = [.. values[nameof(ArchiveStates)]],
            // Of anything else than archives and the store there is no stamp.
            Stored = !values.Contains(nameof(Archives)),
            Pushed = Text(nameof(Pushed)) == "true",
        };
    }

    /// <summary>Lines, because every build reads them: JSON's code takes longer to wake up than all else that a build without changes does.</summary>
    public void Write(string file)
    {
        List<(string Name, string Value)> values =
        [
            (nameof(Fingerprint), Fingerprint), (nameof(BaseDigest), BaseDigest), (nameof(Digest), Digest), (nameof(ImageId), ImageId), (nameof(MediaType), MediaType),
            .. Names.Select(name => (nameof(Names), name)), .. Archives.Select(archive => (nameof(Archives), archive)),
            .. ArchiveStates.Select(state => (nameof(ArchiveStates), state)), (nameof(Pushed), Pushed ? "true" : "false"), (Complete, "1"),
        ];
        // No stamp is a build too many at worst.
        if (values.Any(value => value.Value.Contains('\n', StringComparison.Ordinal))) return;
        string temporary = file + ".new";
        File.WriteAllLines(temporary, values.Select(value => $"{value.Name}={value.Value}"));
        File.Move(temporary, file, overwrite: true);
    }
}
