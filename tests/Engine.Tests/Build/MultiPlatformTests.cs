using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kimg.Engine.Build;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Tests.Cache;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Build;

/// <summary>One Dockerfile, several platforms, one index; foreign steps run under Debian's QEMU, cross-compiling stages natively.</summary>
public sealed class MultiPlatformTests : IAsyncLifetime
{
    private static readonly Platform s_arm = new("linux", "arm64");

    private CacheScene _scene = null!;

    public async Task InitializeAsync()
    {
        _scene = await CacheScene.StartAsync();
        File.Copy("/bin/busybox", Path.Combine(_scene.Context, "busybox-amd64"));
        File.Copy(await ForeignPrograms.BusyboxAsync(), Path.Combine(_scene.Context, "busybox-arm64"));
    }

    public async Task DisposeAsync() => await _scene.DisposeAsync();

    [Fact]
    public async Task Each_platform_runs_its_own_programs()
    {
        Machine machine = _scene.NewMachine();
        Built built = await machine.BuildAsync(
            """
            FROM scratch
            ARG TARGETARCH
            COPY busybox-$TARGETARCH /bin/busybox
            RUN ["/bin/busybox", "--install", "-s", "/bin"]
            ARG TARGETPLATFORM BUILDPLATFORM
            RUN uname -m >/machine && echo "$TARGETPLATFORM on $BUILDPLATFORM" >/platforms
            """,
            r => r with { Platforms = [Platform.Host, s_arm] });
        Assert.Equal("x86_64\nlinux/amd64 on linux/amd64\n", await ContentAsync(machine, "amd64", "machine", "platforms"));
        Assert.Equal("aarch64\nlinux/arm64 on linux/amd64\n", await ContentAsync(machine, "arm64", "machine", "platforms"));
        Assert.Equal(MediaTypes.OciIndex, built.Result.Root!.MediaType);
        (await machine.BuildAsync("FROM scratch\nARG TARGETARCH\nCOPY busybox-$TARGETARCH /bin/busybox\nRUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\n",
            r => r with { Platforms = [s_arm] })).AssertNothingRan();
    }

    [Fact]
    public async Task A_stage_for_the_build_platform_runs_natively_and_once()
    {
        Machine machine = _scene.NewMachine();
        Built built = await machine.BuildAsync(
            """
            FROM --platform=$BUILDPLATFORM BASE AS tools
            RUN uname -m >/tool
            FROM --platform=$BUILDPLATFORM tools AS compile
            ARG TARGETARCH
            RUN echo "for $TARGETARCH on $(cat /tool)" >/program
            FROM scratch
            COPY --from=compile /program /program
            """.Replace("BASE", $"{_scene.Registry.Host}/base:1", StringComparison.Ordinal),
            r => r with { Platforms = [Platform.Host, s_arm] });
        Assert.Equal("for amd64 on x86_64\n", await ContentAsync(machine, "amd64", "program"));
        Assert.Equal("for arm64 on x86_64\n", await ContentAsync(machine, "arm64", "program"));
        Assert.Single(built.Ran, n => n.Contains("uname -m", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_named_emulator_that_is_not_there_is_an_error_at_the_step()
    {
        await using var builder = ImageBuilder.Create(new BuilderOptions
        {
            StateDirectory = _scene["other"], WorkerExecutable = RepositoryFiles.Kimg,
            Emulators = ImmutableSortedDictionary<string, string>.Empty.Add("arm64", "/nowhere/qemu"),
        });
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => builder.BuildAsync(new BuildRequest
        {
            Context = new DirectoryContext(_scene.Context), Platforms = [s_arm],
            DockerfileText = "FROM scratch\nCOPY busybox-arm64 /bin/sh\nRUN true\n",
        }));
        Assert.Equal(ErrorCode.ProgramMissing, error.Code);
        Assert.Equal(3, error.Span!.StartLine);
        Assert.Contains("qemu-user-static", error.Hint, StringComparison.Ordinal);
    }

    /// <summary>The files of one platform's image, one after the other, as tar reads them.</summary>
    private static async Task<string> ContentAsync(Machine machine, string architecture, params string[] files)
    {
        string layout = machine.State + "-out", blobs = layout + "/blobs/sha256/";
        JsonNode index = await ReadAsync(blobs, JsonNode.Parse(await File.ReadAllBytesAsync(layout + "/index.json"))!["manifests"]![0]!);
        JsonNode manifest = await ReadAsync(blobs, index["manifests"]!.AsArray().Single(m => m!["platform"]!["architecture"]!.GetValue<string>() == architecture)!);
        string[] layers = [.. manifest["layers"]!.AsArray().Select(l => blobs + l!["digest"]!.GetValue<string>()[7..])];
        string script = string.Concat(files.Select(f => $"for l in {string.Join(' ', layers)}; do tar -xzOf $l {f} 2>/dev/null; done; "));
        return await HostProgram.MustAsync("sh", "-c", script + "true");
    }

    private static async Task<JsonNode> ReadAsync(string blobs, JsonNode descriptor) =>
        JsonNode.Parse(await File.ReadAllBytesAsync(blobs + descriptor["digest"]!.GetValue<string>()[7..]))!;
}
