using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Budgets;

public sealed partial class StartTests
{
    private const long HugePage = 2 << 20;

    /// <summary>A page fault for each 4 KiB of them is half of the time that a start takes (docs/decisions/0010).</summary>
    [Fact]
    public async Task The_tables_of_types_lie_in_whole_huge_pages()
    {
        ProcessStartInfo how = new(RepositoryFiles.Kimg, ["commands", "mark"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process kimg = Process.Start(how)!;
        await kimg.StandardInput.WriteAsync("1\0version\0");
        await kimg.StandardInput.FlushAsync();
        while (await kimg.StandardOutput.ReadLineAsync() is not (null or "mark 0")) ;
        string maps = await File.ReadAllTextAsync($"/proc/{kimg.Id}/smaps");
        kimg.StandardInput.Close();
        await kimg.WaitForExitAsync();

        // "hg": advised, whether or not the machine gives huge pages to those who ask.
        (long start, long end) = Advised().Matches(maps).Select(map => (Hex(map, 1), Hex(map, 2))).Single();
        Assert.Equal((0, 0), (start % HugePage, end % HugePage));
        Assert.InRange(end - start, 5 << 20, 8 << 20);
    }

    private static long Hex(Match match, int group) => long.Parse(match.Groups[group].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^([0-9a-f]+)-([0-9a-f]+) rw[^\n]*\n(?:[A-Z][A-Za-z_]+:[^\n]*\n)*?VmFlags:[^\n]* hg\b", RegexOptions.Multiline)]
    private static partial Regex Advised();
}
