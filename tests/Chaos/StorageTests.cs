using Kimg.TestKit;
using Xunit;

namespace Kimg.Chaos;

/// <summary>Disks that are full, state directories that are shared and damaged, outputs that are there already.</summary>
public sealed class StorageTests
{
    [Fact]
    public async Task A_full_disk_under_the_state_directory_is_named_and_the_next_build_works()
    {
        using Scene scene = new();
        scene.Dockerfile(Scene.Shell + "RUN dd if=/dev/zero of=/big bs=1M count=64\n");
        await HostProgram.MustAsync("mount", "-t", "tmpfs", "-o", "size=24m", "none", scene.State);
        try
        {
            ProgramResult full = await scene.BuildAsync();
            Assert.True(full.ExitCode is 4 or 8, full.Errors);
            Assert.Contains("space left", full.Errors, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("KIMG9001", full.Errors, StringComparison.Ordinal);
            scene.Dockerfile(Scene.Shell + "RUN dd if=/dev/zero of=/big bs=1M count=2\n");
            Assert.Equal(2 << 20, (await scene.ImageAsync()).Files["big"].Length);
        }
        finally
        {
            await HostProgram.MustAsync("umount", scene.State);
        }
    }

    [Theory]
    [InlineData("type=oci,dest={0}/image.tar")]
    [InlineData("type=docker,dest={0}/image.tar")]
    [InlineData("type=tar,dest={0}/image.tar")]
    [InlineData("type=local,dest={0}/tree")]
    [InlineData("type=oci,tar=false,dest={0}/layout")]
    public async Task A_full_disk_under_the_output_is_named_and_what_was_there_stays(string output)
    {
        using Scene scene = new();
        scene.Dockerfile("FROM scratch\nCOPY busybox /\n");
        string disk = Directory.CreateDirectory(scene["disk"]).FullName;
        await HostProgram.MustAsync("mount", "-t", "tmpfs", "-o", "size=256k", "none", disk);
        try
        {
            await File.WriteAllTextAsync(disk + "/image.tar", "was here");
            ProgramResult result = await scene.FailsAsync("KIMG7001", 8, "no space left", "-o", string.Format(null, output, disk));
            Assert.Contains("hint: ", result.Errors, StringComparison.Ordinal);
            Assert.Equal("was here", await File.ReadAllTextAsync(disk + "/image.tar"));
            Assert.DoesNotContain(Directory.EnumerateFiles(disk), path => Path.GetFileName(path).StartsWith('.'));
        }
        finally
        {
            await HostProgram.MustAsync("umount", disk);
        }
    }

    [Fact]
    public async Task An_image_that_cannot_be_kept_here_is_not_published_either()
    {
        using Scene scene = new();
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        scene.Dockerfile("FROM scratch\nCOPY busybox /\n");
        Directory.CreateDirectory(scene.State);
        await File.WriteAllTextAsync(Path.Combine(scene.State, "images"), "in the way of a directory");
        await scene.FailsAsync("KIMG7004", 8, "images", "-t", $"{registry.Host}/kept:failed", "--push");
        ProgramResult tags = await HostProgram.RunAsync("skopeo", ["list-tags", "--tls-verify=false", $"docker://{registry.Host}/kept"]);
        Assert.DoesNotContain("failed", tags.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_output_that_is_there_is_untouched_by_a_build_that_fails()
    {
        using Scene scene = new();
        scene.Dockerfile(Scene.Shell + "RUN exit 7\n");
        await File.WriteAllTextAsync(scene["image.tar"], "was here");
        Directory.CreateDirectory(scene["tree"]);
        await File.WriteAllTextAsync(scene["tree/file"], "was here");
        await scene.FailsAsync("KIMG3001", 4, "exit code 7", "-o", $"type=oci,dest={scene["image.tar"]}");
        await scene.FailsAsync("KIMG3001", 4, "exit code 7", "-o", $"type=local,dest={scene["tree"]}");
        Assert.Equal("was here", await File.ReadAllTextAsync(scene["image.tar"]));
        Assert.Equal(["file"], Directory.EnumerateFileSystemEntries(scene["tree"]).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("overlay", 2, true)]
    [InlineData("overlay", 5, false)]
    [InlineData("native", 2, false)]
    [InlineData("native", 5, true)]
    public async Task Builds_at_once_on_one_state_directory_make_what_one_alone_makes(string driver, int builds, bool same)
    {
        using Scene scene = new(unprivileged: true);
        for (int i = 0; i < builds; i++)
            scene.File($"Dockerfile.{i}", Scene.Shell + $"RUN --mount=type=cache,target=/c echo {(same ? 0 : i)} >/who && echo x >>/c/log && touch -d @1 /who\n");
        scene.Own();
        OciTar[] images = await Task.WhenAll(Enumerable.Range(0, builds)
            .Select(i => scene.ImageAsync("--storage-driver", driver, "-f", Path.Combine(scene.Context, $"Dockerfile.{i}"))));
        for (int i = 0; i < builds; i++)
        {
            Assert.Equal($"{(same ? 0 : i)}\n", images[i].Files["who"]);
            Assert.Equal(images[0].Files.Keys, images[i].Files.Keys);
            OciTar alone = await scene.ImageAsync("--storage-driver", driver, "-f", Path.Combine(scene.Context, $"Dockerfile.{i}"));
            Assert.Equal(images[i].Files["who"], alone.Files["who"]);
        }
    }

    [Fact]
    public async Task Another_storage_driver_than_before_makes_the_directories_again()
    {
        using Scene scene = new();
        scene.Dockerfile(Scene.Shell + "RUN echo one >/one\n");
        await scene.ImageAsync();
        foreach (string driver in Directory.GetFiles(scene["state/snapshots"], "driver", SearchOption.AllDirectories)) await File.WriteAllTextAsync(driver, "native");
        Directory.Delete(scene["state/blobs"], recursive: true);
        scene.Dockerfile(Scene.Shell + "RUN echo one >/one\nRUN cat /one /one >/two\n");
        Assert.Equal("one\none\n", (await scene.ImageAsync()).Files["two"]);
    }

    /// <summary>Every kind of file that a build leaves, but the trees of snapshots: nothing vouches for those.</summary>
    [Theory]
    [InlineData("random")]
    [InlineData("empty")]
    [InlineData("half")]
    public async Task A_damaged_file_of_the_state_directory_costs_time_but_no_correctness(string damage)
    {
        using Scene scene = new();
        scene.Dockerfile(Scene.Shell + "RUN echo one >/one\nFROM scratch\nCOPY --from=0 /one /two\n");
        await scene.ImageAsync();
        Random random = new(7);
        foreach (string kind in Kinds(scene.State))
        {
            await scene.ImageAsync();
            string[] files = [.. Files(scene.State).Where(f => Kind(scene.State, f) == kind)];
            foreach (string file in files) await DamageAsync(file, damage, random);
            if (random.Next(2) == 0) scene.File("more", kind);
            OciTar image = await scene.ImageAsync();
            Assert.Equal("one\n", image.Files["two"]);
            scene.AssertNothingLeft();
        }
    }

    private static async Task DamageAsync(string file, string damage, Random random)
    {
        byte[] bytes = await File.ReadAllBytesAsync(file);
        if (damage == "random") random.NextBytes(bytes);
        else bytes = damage == "half" ? bytes[..(bytes.Length / 2)] : [];
        await File.WriteAllBytesAsync(file, bytes);
    }

    private static string[] Kinds(string state) => [.. Files(state).Select(f => Kind(state, f)).Distinct().Order(StringComparer.Ordinal)];

    private static IEnumerable<string> Files(string state) =>
        Directory.EnumerateFiles(state, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint })
            .Where(file => !file.Contains("/fs/", StringComparison.Ordinal));

    // The folder without digests, and the name where it is none.
    private static string Kind(string state, string file) =>
        string.Join('/', Path.GetRelativePath(state, file).Split('/').Where(part => part.Length < 32 && part.Length != 2));
}
