using System.Collections.Immutable;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Snapshots;

/// <summary>What every driver must do, for every driver; the layers of the same step must be the same bytes.</summary>
public sealed class SnapshotterContractTests
{
    private const string Python = "python3 -c 'import os,socket; ";

    /// <summary>Steps and the entries of the layers they make, by BuildKit's rules.</summary>
    public static TheoryData<string, string, string> Steps => new()
    {
        { "nothing", "ls -lR >/dev/null; cat etc/passwd", "" },
        { "create", "mkdir -p new/deep; echo hi >new/deep/file; chmod 1777 new", "new new/deep new/deep/file" },
        { "create below", "echo x >dir/sub/more", "dir dir/sub dir/sub/more" },
        { "delete", "rm dir/a; rm -r dir/sub", "dir !dir/a !dir/sub" },
        { "delete a directory", "rm -r dir", "!dir" },
        { "a directory becomes a file", "rm -r dir; echo f >dir", "dir" },
        { "a file becomes a directory", "rm etc/passwd; mkdir etc/passwd; touch etc/passwd/x", "etc etc/passwd etc/passwd/x" },
        { "a directory made anew", "rm -r dir; mkdir dir; echo 1 >dir/new", "dir !dir/a !dir/b !dir/c dir/new !dir/sub" },
        { "a file deleted and made again in place", "cp -p dir/a t; rm dir/a; cp -p t dir/a; rm t", "" },
        { "a tree replaced by its copy", "cp -a dir t; rm -r dir; mv t dir", "" },
        { "made and deleted", "mkdir -p dir/gone; echo x >dir/gone/x; rm -r dir/gone", "" },
        { "rename a file", "mv dir/a dir/z", "dir !dir/a dir/z" },
        { "rename a directory", "mv dir other", "!dir other other/a other/b other/c other/sub other/sub/deep" },
        { "swap two directories", "mv twin1 t; mv twin2 twin1; mv t twin2", "twin1 twin1/f twin2 twin2/f" },
        { "chmod", "chmod 600 etc/passwd; chmod 700 dir", "dir etc etc/passwd" },
        { "chmod to the same", "chmod 644 etc/passwd; chmod 755 dir", "" },
        { "chown", "chown 5:6 etc/passwd; chown -h 7:8 link", "etc etc/passwd link" },
        { "setuid", "cp usr/bin/tool tool; chown 1:2 tool; chmod 6755 tool; chmod g+s dir", "dir tool" },
        { "touch to the same", "touch -d @1600000000 etc/passwd dir/b", "" },
        { "touch to another time", "touch -d @1500000000 etc/passwd; touch -d @1500000000 dir", "etc etc/passwd" },
        { "same size and time, other content", "printf 2 >dir/a; touch -d @1600000000 dir/a", "dir dir/a" },
        { "new hard links", "echo new >n1; ln n1 n2; ln n1 aaa; mkdir q; ln n1 q/n", "aaa n1=>aaa n2=>aaa q q/n=>aaa" },
        { "a hard link to what was there", "ln dir/a dir/a2; ln dir/a dir/a3", "dir dir/a2 dir/a3=>dir/a2" },
        { "writing to one name of a hard link", "echo more >>hard1", "hard1" },
        { "linked symlinks and fifos", "ln -s x s1; ln s1 s2; mkfifo p1; ln p1 p2", "p1 p2=>p1 s1 s2=>s1" },
        { "symlinks", "ln -s /etc/passwd abs; ln -sfn nowhere link", "abs link" },
        { "attributes", Python + "os.setxattr(\"etc/passwd\",\"user.x\",b\"1\"); os.setxattr(\"dir\",\"user.y\",bytes(300))'", "dir etc etc/passwd" },
        { "attributes that overlayfs uses", Python + "os.setxattr(\"dir/b\",\"user.overlay.opaque\",b\"y\"); os.setxattr(\"etc\",\"user.overlay.x\",b\"\")'",
            "dir dir/b etc" },
        { "capabilities", "cp usr/bin/tool tool; " + Python
            + "os.setxattr(\"tool\",\"security.capability\",bytes.fromhex(\"0100000200040000000000000000000000000000\"))'", "tool" },
        { "an attribute removed", Python + "os.removexattr(\"etc/capable\",\"security.capability\")'", "etc etc/capable" },
        { "devices", "mknod null c 1 3; mknod loop b 7 300; mkfifo -m 622 pipe", "loop null pipe" },
        { "sockets are left out", Python + "socket.socket(socket.AF_UNIX).bind(\"dir/sock\")'", "" },
        { "a sparse file", "truncate -s 20M sparse; printf x | dd of=sparse bs=1 seek=10000000 conv=notrunc 2>/dev/null", "sparse" },
        { "names", "touch $'\\xff\\xfe' na\u00efve 'with space' $'new\\nline'; rm $'old\\xff'", "na\u00efve new\nline !old\\xFF with space \\xFF\\xFE" },
        { "many files", "mkdir many; for i in $(seq 400); do echo $i >many/f$i; done; rm many/f7*", null! },
        { "a long path", "d=$(printf 'd%.0s' $(seq 200)); for i in $(seq 15); do mkdir $d; cd -P $d; done; echo x >f; cd \"$at\"", null! },
        { "the root itself is no entry", "chmod 711 .; echo x >x", "x" },
        { "all gone", "rm -rf * .[!.]*", "!deep !dir !empty !etc !hard1 !hard2 !link !old\\xFF !opq !twin1 !twin2 !usr" },
    };

    [RootTheory]
    [MemberData(nameof(Steps))]
    public async Task Every_driver_makes_the_same_layer_of_a_step(string name, string script, string? entries)
    {
        using var state = new SnapshotDirectories();
        var tars = new List<byte[]>();
        foreach (DirectorySnapshotter driver in state.Drivers)
        {
            // Fuse-overlayfs keeps its own attributes beside a step's of the same name: those of a step are lost.
            if (driver.Driver == OverlaySnapshotter.FuseDriver && name == "attributes that overlayfs uses") continue;
            ImmutableArray<SnapshotKey> below = await state.ApplyAsync(driver, Base);
            ActiveSnapshot active = driver.Prepare(below);
            StepShell.Run(active.Root, script);
            SnapshotKey key = SnapshotKey.Of(below[^1], Digest.Sha256(name));
            driver.Commit(active, key);

            Assert.True(driver.Exists(key));
            Assert.Equal(["empty"], Directory.GetDirectories(state.PathsOf(driver).Root).Select(Path.GetFileName).Where(n => n!.Length < 64).DefaultIfEmpty("empty"));
            LayerIndex index = driver.Scan(key);
            if (entries is not null) Assert.Equal(entries, string.Join(' ', index.Entries.ToArray().Select(Text)));
            using var tar = new MemoryStream();
            driver.WriteTar(key, tar, default);
            // Fuse-overlayfs does not give a parent its time back when it copies a file up: same entries, other times.
            if (driver.Driver != OverlaySnapshotter.FuseDriver) tars.Add(tar.ToArray());

            // The layer, unpacked again, gives what the step left.
            if (driver is CopySnapshotter)
            {
                var layer = new TarLayer(tar.ToArray());
                ImmutableArray<SnapshotKey> again = await state.ApplyAsync(driver, [.. Base, layer]);
                Assert.Equal(StepShell.List(state.PathsOf(driver).TreeOf(key)), StepShell.List(state.PathsOf(driver).TreeOf(again[^1])));
            }
        }

        Assert.All(tars, tar => Assert.True(tar.AsSpan().SequenceEqual(tars[0]), Difference(tars[0], tar)));
    }

    [Fact]
    public void The_entries_expected_are_those_that_BuildKit_was_seen_to_make()
    {
        string path = Path.Combine(Dockerfile.VectorCase.Repository, "tests", "vectors", "layers", "buildkit.json");
        using var vectors = System.Text.Json.JsonDocument.Parse(File.ReadAllBytes(path));
        var expected = Steps.ToDictionary(row => (string)row[0], row => (string?)row[2]);
        Assert.All(vectors.RootElement.GetProperty("steps").EnumerateObject(), step => Assert.Equal(step.Value.GetString(), expected[step.Name]));
    }

    [RootFact]
    public async Task A_step_on_a_step_on_nothing_is_seen_through_every_driver()
    {
        using var state = new SnapshotDirectories();
        foreach (DirectorySnapshotter driver in state.Drivers)
        {
            SnapshotKey first = new(Digest.Sha256("1")), second = SnapshotKey.Of(first, Digest.Sha256("2"));
            ActiveSnapshot active = driver.Prepare([]);
            StepShell.Run(active.Root, "mkdir d; echo 1 >d/one; echo x >d/x; chmod 751 .");
            driver.Commit(active, first);
            active = driver.Prepare([first]);
            StepShell.Run(active.Root, "test $(stat -c %a .) = 751; cat d/one; rm d/x; echo 2 >d/two");
            driver.Commit(active, second);

            Assert.Equal("d d/one d/x", driver.Scan(first).Entries.ToArray().Names());
            Assert.Equal("d d/two !d/x", string.Join(' ', driver.Scan(second).Entries.ToArray().Select(Text)));
            active = driver.Prepare([first, second]);
            StepShell.Run(active.Root, "test \"$(echo d/*)\" = 'd/one d/two'; test $(stat -c %a .) = 751");
            driver.Discard(active);
            driver.Remove(second);
            Assert.False(driver.Exists(second));
            Assert.Single(Directory.GetDirectories(state.PathsOf(driver).Root));
        }
    }

    [RootFact]
    public async Task Layers_that_leave_things_to_those_below_are_unpacked_as_the_merged_view_says()
    {
        // No entry for the 0700 parent; hard links into lower layers; a whiteout of nothing; an opaque directory; file and directory swapped.
        SnapshotLayer top = new TarLayer(Layers.Tar("secret/in=x", "copy=>dir/a", "copy2=>dir/a", "again=>copy", "!no/where", "!nothing",
            "opq/!", "opq/kept=1", "etc/passwd/", "etc/passwd/d=1", "usr=file", "fresh/implied=1"));
        var secret = new TarEntry { Path = ImagePath.Normalize("secret"), Type = EntryType.Directory, Mode = 0x1C0, Uid = 3, Gid = 4, ModifiedSeconds = 99 };
        SnapshotLayer[] chain = [.. Base, new PlanLayer([new PlanEntry(secret)]), top];

        using var state = new SnapshotDirectories();
        foreach (DirectorySnapshotter driver in state.Drivers)
        {
            ImmutableArray<SnapshotKey> keys = await state.ApplyAsync(driver, chain);
            ActiveSnapshot active = driver.Prepare(keys);
            StepShell.Run(active.Root, """
                test "$(stat -c '%a %u %g %Y' secret)" = '700 3 4 99'
                test "$(cat copy copy2 again dir/a)" = 1111
                test $(stat -c %h copy) = 3 || test -d dir/sub
                test ! -e no
                test "$(echo opq/*)" = opq/kept
                test -d etc/passwd
                test -f usr
                test "$(stat -c '%a %u %Y' fresh)" = '755 0 0'
                """);
            driver.Commit(active, new SnapshotKey(Digest.Sha256("none")));
            Assert.Equal(0, driver.Scan(new SnapshotKey(Digest.Sha256("none"))).Count);
        }
    }

    [RootFact]
    public async Task A_layer_that_deletes_everything_hides_what_is_below_it_and_is_seen_itself_below_others()
    {
        SnapshotLayer[] chain = [.. Base, new TarLayer(Layers.Tar("./!", "only=1")), new TarLayer(Layers.Tar("more=2"))];

        using var state = new SnapshotDirectories();
        foreach (DirectorySnapshotter driver in state.Drivers)
        {
            ImmutableArray<SnapshotKey> keys = await state.ApplyAsync(driver, chain);
            ActiveSnapshot active = driver.Prepare(keys);
            StepShell.Run(active.Root, "test \"$(echo *)\" = 'more only'; echo 3 >third");
            var key = new SnapshotKey(Digest.Sha256("third"));
            driver.Commit(active, key);
            active = driver.Prepare([.. keys, key]);
            StepShell.Run(active.Root, "test \"$(echo *)\" = 'more only third'");
            driver.Discard(active);
        }
    }

    [RootFact]
    public async Task The_root_has_the_mode_of_the_topmost_layer_that_says_one()
    {
        TarEntry root = new() { Path = ImagePath.Root, Type = EntryType.Directory, Mode = 0x1E9, Uid = 3 };
        SnapshotLayer[] chain = [new PlanLayer([new PlanEntry(root)]), new TarLayer(Layers.Tar("a=1")), new TarLayer(Layers.Tar("b=2"))];

        using var state = new SnapshotDirectories();
        foreach (DirectorySnapshotter driver in state.Drivers)
        {
            ImmutableArray<SnapshotKey> keys = await state.ApplyAsync(driver, chain);
            ActiveSnapshot active = driver.Prepare(keys);
            StepShell.Run(active.Root, "test \"$(stat -c '%a %u' .)\" = '751 3'");
            driver.Discard(active);
        }
    }

    [RootFact]
    public async Task One_state_directory_serves_several_ways_of_writing_owners()
    {
        using var state = new TempDirectory();
        PlanLayer layer = Layers.Plan("d/", "d/f=1");
        SnapshotKey key = new(layer.Id);
        foreach (string owners in new[] { "real", "map-1", "recorded" })
        {
            var driver = new OverlaySnapshotter(SnapshotPaths.For(state.Path, OverlaySnapshotter.KernelDriver, owners));
            Assert.False(driver.Exists(key));
            await SnapshotDirectories.ApplyAsync(driver, layer, []);
            Assert.True(driver.Exists(key));
        }
    }

    [Fact]
    public void A_layer_that_breaks_off_is_not_taken_for_a_whole_one()
    {
        using var state = new SnapshotDirectories();
        byte[] tar = Layers.Tar("a", "b");
        foreach (DirectorySnapshotter driver in state.Drivers)
        {
            var key = new SnapshotKey(Digest.Sha256("x"));
            Assert.Throws<KimgException>(() => driver.Apply([key], new MemoryStream(tar, 0, 1024), default));
            Assert.False(driver.Exists(key));
            Assert.Empty(Directory.GetDirectories(state.PathsOf(driver).Root));
        }
    }

    private static SnapshotLayer[] Base { get; } = MakeBase();

    private static SnapshotLayer[] MakeBase()
    {
        TarEntry capable = Layers.Entry("etc/capable=").Entry with
        {
            Xattrs = ImmutableSortedDictionary<string, ImmutableArray<byte>>.Empty
                .Add(TreeXattrs.Capability, [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        };
        IEnumerable<(TarEntry, byte[])> first = new[]
        {
            "etc/", "etc/passwd=root:x:0:0", "etc/conf=one", "usr/", "usr/bin/", "usr/bin/tool=#!tool", "dir/", "dir/a=1", "dir/b=22", "dir/sub/",
            "dir/sub/deep=deep", "link->dir/a", "empty/", "hard1=linked", "hard2=>hard1", "opq/", "opq/hidden=1", "opq/sub/", "opq/sub/x=1", "deep/er/est=1",
            "old\uDCFF=1", "twin1/", "twin1/f=one", "twin2/", "twin2/f=two",
        }.Select(Layers.Entry).Append((capable, []));
        return [new TarLayer(Layers.Tar(first)), new TarLayer(Layers.Tar("dir/", "dir/c=3", "!etc/conf", "opq/!", "opq/shown=1"))];
    }

    // Bytes that are no UTF-8 as \xNN: test data cannot carry lone surrogates.
    private static string Text(TarEntry entry)
    {
        string path = string.Concat(entry.Path.Value.Select(c => c is >= '\uDC80' and <= '\uDCFF' ? $"\\x{c - 0xDC00:X2}" : c.ToString()));
        return entry.Type switch
        {
            EntryType.Whiteout => "!" + path,
            EntryType.HardLink => path + "=>" + entry.LinkTarget,
            _ => path,
        };
    }

    private static string Difference(byte[] left, byte[] right)
    {
        static IEnumerable<string> Lines(byte[] tar)
        {
            var reader = new TarReader(new MemoryStream(tar));
            while (reader.ReadNext() is { } e)
                yield return e.ToString() + string.Join(';', e.Xattrs?.Select(x => x.Key + "=" + Convert.ToHexString(x.Value.AsSpan())) ?? []);
        }

        return string.Join("\n", Lines(left).Except(Lines(right)).Concat(Lines(right).Except(Lines(left))));
    }
}
