using System.Text.Json;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Chaos;

/// <summary>A core set of builds with features of the kernel masked, each as a host without it would be: the image is the same, or the error says what is missing.</summary>
public sealed class MaskTests
{
    private const string Core = """
        FROM scratch AS base
        COPY busybox /bin/sh
        COPY busybox /bin/busybox
        RUN /bin/busybox --install -s /bin && mkdir -p /tmp /gone/deep /kept && echo a >/gone/deep/a && echo b >/kept/b
        FROM base AS changed
        RUN rm -r /gone && mkdir /gone && echo new >/gone/new && mv /kept/b /kept/c && ln /kept/c /kept/d && chmod 4755 /kept/c && chown 3:4 /kept
        RUN --mount=type=cache,target=/cache --mount=type=tmpfs,target=/scratch --mount=type=secret,id=s,env=S echo $S >/cache/x && cp /cache/x /from-cache
        FROM base
        COPY --from=changed / /all/
        RUN --mount=type=bind,from=changed,source=/gone,target=/bound --network=none cat /bound/new >/from-bind && mkfifo /pipe && head -c 100000 /dev/zero >/zeros
        """;

    private static readonly Lazy<Task<string>> s_expected = new(() => DigestAsync(unprivileged: false, "", "overlay"));

    [Theory]
    [InlineData(true, "", "overlay")]
    [InlineData(false, "overlay", "fuse-overlayfs")]
    [InlineData(false, "overlay,fuse", "native")]
    [InlineData(true, "overlay,fuse", "native")]
    [InlineData(false, "fsopen", "overlay")]
    [InlineData(true, "fsopen,mount_setattr,close_range", "overlay")]
    [InlineData(true, "cgroup,binfmt", "overlay")]
    [InlineData(true, "seccomp", "overlay")]
    public async Task Another_way_makes_the_same_image(bool unprivileged, string without, string driver) =>
        Assert.Equal(await s_expected.Value, await DigestAsync(unprivileged, without, driver));

    [Theory]
    [InlineData("userns", "masked")]
    [InlineData("newuidmap", "newuidmap")]
    public async Task Without_any_rung_a_RUN_says_what_is_missing_and_everything_else_is_built(string without, string words)
    {
        using Scene scene = new(unprivileged: true);
        scene.Variables.Add("KIMG_TEST_WITHOUT=root," + without);
        scene.Dockerfile(Core);
        scene.Own();
        ProgramResult refused = await scene.FailsAsync("KIMG5001", 6, words);
        Assert.Contains("hint: ", refused.Errors, StringComparison.Ordinal);
        scene.Dockerfile("FROM scratch AS a\nCOPY busybox /x\nFROM scratch\nCOPY --from=a --chown=5 /x /y\n");
        scene.Own();
        Assert.Contains("y", (await scene.ImageAsync()).Files.Keys);
    }

    private static async Task<string> DigestAsync(bool unprivileged, string without, string driver)
    {
        using Scene scene = new(unprivileged);
        scene.Variables.AddRange(["KIMG_TEST_WITHOUT=" + without, "SOURCE_DATE_EPOCH=1000000000", "S=secret"]);
        scene.Dockerfile(Core);
        string metadata = scene["metadata.json"];
        if (unprivileged) scene.Own();
        await scene.ImageAsync("--secret", "id=s,env=S", "--metadata-file", metadata);
        string used = Assert.Single(Directory.GetFiles(scene["state/snapshots"], "driver", SearchOption.AllDirectories));
        Assert.Equal(driver, await File.ReadAllTextAsync(used));
        using JsonDocument document = JsonDocument.Parse(await File.ReadAllBytesAsync(metadata));
        return document.RootElement.GetProperty("containerimage.digest").GetString()!;
    }
}
