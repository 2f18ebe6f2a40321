using Kimg.Engine.Content;
using Kimg.Engine.Native;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Content;

public sealed class WholeFileTests : IDisposable
{
    private static readonly string s_id = new('a', 32);

    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Appears_by_commit_and_leaves_nothing_without()
    {
        File.WriteAllText(_directory["out"], "before");
        using (WholeFile given_up = WholeFile.CreateBeside(_directory["out"])) RandomAccess.Write(given_up.Handle, "half"u8, 0);
        Assert.Equal("before", File.ReadAllText(_directory["out"]));
        using (WholeFile whole = WholeFile.CreateBeside(_directory["out"]))
        {
            RandomAccess.Write(whole.Handle, "after"u8, 0);
            whole.Commit();
        }

        Assert.Equal("after", File.ReadAllText(_directory["out"]));
        Assert.Equal(["out"], Names());
    }

    [Fact]
    public void Takes_away_what_killed_processes_left_and_nothing_else()
    {
        string[] kept = [".out.kimg-notes", $".out.kimg-{s_id[1..]}", $"out.kimg-{s_id}", ".profile", $".kimg-{s_id}.txt"];
        foreach (string name in kept.Append($".image.tar.kimg-{s_id}")) File.WriteAllText(_directory[name], "");
        using WholeFile living = WholeFile.CreateBeside(_directory["other"]);
        using (WholeFile next = WholeFile.CreateBeside(_directory["out"])) next.Commit();
        living.Commit();
        Assert.Equal([.. kept.Append("other").Append("out").Order(StringComparer.Ordinal)], Names());
    }

    [Fact]
    public void Of_many_at_once_with_sweeps_in_between_none_is_lost()
    {
        Parallel.For(0, 200, i =>
        {
            using WholeFile file = WholeFile.CreateBeside(_directory[$"f{i}"]);
            file.Commit();
        });
        Assert.Equal(200, Names().Length);
    }

    [Fact]
    public void A_sweep_that_comes_too_late_does_not_make_the_file_anew()
    {
        Assert.Null(FileLock.TryAcquireExisting(_directory["gone"]));
        Assert.Empty(Names());
        using (FileLock held = FileLock.TryCreate(_directory["held"])!) Assert.Null(FileLock.TryAcquireExisting(_directory["held"]));
        using FileLock? dead = FileLock.TryAcquireExisting(_directory["held"]);
        Assert.NotNull(dead);
    }

    private string[] Names() => [.. Directory.EnumerateFiles(_directory.Path).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];
}
