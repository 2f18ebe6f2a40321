using System.Text.RegularExpressions;
using Xunit;

namespace Kimg.Architecture;

/// <summary>What must not be written, and where it may be all the same: rows of BannedSymbols.txt.</summary>
public sealed class BannedSymbolTests
{
    public static TheoryData<string> Rows() => [.. Repository.Lines("tests/Architecture/BannedSymbols.txt").Where(l => l.Length > 0 && l[0] != '#')];

    [Theory]
    [MemberData(nameof(Rows))]
    public void Is_not_used_outside_the_places_that_may(string row)
    {
        string[] cells = row.Split(" | ", StringSplitOptions.TrimEntries);
        Regex symbol = new(cells[0]);
        string[] folders = cells[1].Split(' ');
        string[] allowed = cells[2] == "-" ? [] : cells[2].Split(' ');
        IEnumerable<string> offences =
            from folder in folders
            from file in Repository.Files(folder, ".cs")
            where !allowed.Any(place => file.StartsWith(place, StringComparison.Ordinal))
            from line in SourceText.Code(file).Select((text, i) => (Text: text, Number: i + 1))
            where symbol.IsMatch(line.Text)
            select $"{file}:{line.Number}: {line.Text.Trim()} ({cells[3]})";

        Rule.Holds(offences);
    }

    [Fact]
    public void Nothing_is_left_for_later()
    {
        Regex marker = new(@"\b(TO" + "DO|FIX" + @"ME|HA" + @"CK|XX" + @"X)\b");
        Rule.Holds(
            from folder in new[] { "src", "tests", "bench", "scripts" }
            from extension in new[] { ".cs", ".c", ".sh" }
            from file in Repository.Files(folder, extension)
            from line in Repository.Lines(file).Select((text, i) => (Text: text, Number: i + 1))
            where marker.IsMatch(line.Text)
            select $"{file}:{line.Number}: {line.Text.Trim()}");
    }

    [Fact]
    public void No_exception_is_swallowed()
    {
        Regex empty = new(@"catch\s*(\([^)]*\))?\s*(when\s*\([^{]*\))?\s*\{\s*\}");
        Rule.Holds(
            from folder in new[] { "src", "tests", "bench" }
            from file in Repository.Files(folder, ".cs")
            where empty.IsMatch(string.Join('\n', Repository.Lines(file)))
            select file);
    }
}
