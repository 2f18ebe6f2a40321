using Kimg.Engine.Build.Worker;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Build.Worker;

/// <summary>The worker removes trees that the front names. A front that was taken over must not be able to remove anything else.</summary>
public sealed class TreeRemovalTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    public TreeRemovalTests()
    {
        foreach (string directory in new[] { "state/snapshots/real/overlay/doomed-1/fs", "state/mounts/doomed-2", "state/sandbox/x", "state/blobs/sha256", "outside/kept" })
            Directory.CreateDirectory(_temp[directory]);
        File.WriteAllText(_temp["state/snapshots/real/overlay/doomed-1/fs/file"], "x");
    }

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData("state/snapshots/real/overlay/doomed-1")]
    [InlineData("state/mounts/doomed-2")]
    [InlineData("state/sandbox/x")]
    [InlineData("state/mounts/never-was")]
    [InlineData("state/mounts/never/was/there")]
    public void Removes_what_is_below_the_folders_of_trees(string tree)
    {
        TreeRemoval.Remove(_temp["state"], _temp[tree]);
        Assert.False(Directory.Exists(_temp[tree]));
        Assert.True(Directory.Exists(Path.GetDirectoryName(_temp["state/mounts/x"])));
    }

    [Theory]
    [InlineData("state")]
    [InlineData("state/snapshots")]
    [InlineData("state/blobs/sha256")]
    [InlineData("state/mounts/../blobs")]
    [InlineData("state/mounts/../../outside/kept")]
    [InlineData("outside/kept")]
    public void Refuses_everything_else(string tree) => AssertRefused(_temp.Path + "/" + tree);

    [Fact]
    public void Refuses_a_relative_path() => AssertRefused("mounts/doomed-2");

    [Fact]
    public void Follows_no_symlink_on_the_way_and_none_at_the_end()
    {
        File.CreateSymbolicLink(_temp["state/mounts/link"], _temp["outside"]);
        AssertRefused(_temp["state/mounts/link/kept"]);
        TreeRemoval.Remove(_temp["state"], _temp["state/mounts/link"]);
        Assert.False(File.Exists(_temp["state/mounts/link"]));
        Assert.True(Directory.Exists(_temp["outside/kept"]));
    }

    [Theory]
    [InlineData("root")]
    [InlineData("userns")]
    public async Task The_worker_removes_snapshots_and_trees_of_other_ids_and_refuses_the_rest(string rung)
    {
        await using WorkerFixture worker = await new WorkerFixture(rung, "overlay").WithBaseAsync();
        var made = new SnapshotKey(Digest.Sha256("made"));
        await worker.RunAsync(WorkerFixture.Shell("mkdir -p /d && chown -R 1234:1234 /d") with { Result = made });
        string tree = Path.Combine(worker.StateDirectory, "mounts", "doomed-x");
        await worker.RunAsync(WorkerFixture.Shell("mkdir /cache/sub && chown 4321 /cache/sub && echo x >/cache/sub/f") with
        {
            Mounts = [new Kimg.Engine.Ops.HostMount("/cache", tree, ReadOnly: false, 0b111_101_101, 0, 0, IsSocket: false)],
        });
        Assert.True(Directory.Exists(tree));
        await worker.Client.RemoveAsync([made], [tree], CancellationToken.None);
        Assert.False(Directory.Exists(tree));
        await Assert.ThrowsAsync<KimgException>(() => worker.Client.ScanAsync(made, CancellationToken.None));
        KimgException refused = await Assert.ThrowsAsync<KimgException>(
            () => worker.Client.RemoveAsync([], [Path.Combine(worker.StateDirectory, "bin")], CancellationToken.None));
        Assert.Equal(ErrorCode.StoragePermission, refused.Code);
    }

    private void AssertRefused(string tree)
    {
        KimgException refused = Assert.Throws<KimgException>(() => TreeRemoval.Remove(_temp["state"], tree));
        Assert.Equal(ErrorCode.StoragePermission, refused.Code);
        Assert.True(Directory.Exists(_temp["state/blobs/sha256"]) && Directory.Exists(_temp["outside/kept"]));
    }
}
