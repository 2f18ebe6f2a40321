using Kimg.Engine.Dockerfile;
using Kimg.Engine.Graph;
using Xunit;

namespace Kimg.Engine.Tests.Dockerfile;

public sealed class DockerfileFrontendTests
{
    [Fact]
    public async Task Lowers_an_ordinary_file()
    {
        FrontendResult result = await FakeHost.LowerAsync("""
            # syntax=docker/dockerfile:1
            ARG TAG=3.20
            FROM alpine:${TAG} AS build
            ARG VERSION=1
            ENV A=b
            WORKDIR /src
            COPY . .
            RUN make $VERSION
            FROM scratch
            COPY --from=build /src/out /out
            USER 1000
            EXPOSE 80 443/udp
            CMD ["/out"]
            """);
        var copy = Assert.IsType<FileOp>(result.Root.Op);
        Assert.Equal("[stage-1 1/1] COPY --from=build /src/out /out", result.Root.Meta.Name);
        Vertex run = result.Root.Inputs[1];
        var exec = Assert.IsType<ExecOp>(run.Op);
        Assert.Equal(["/bin/sh", "-c", "make $VERSION"], exec.Args.ToArray());
        Assert.Equal("/src", exec.WorkingDirectory);
        Assert.Contains("VERSION=1", exec.Env);
        Assert.Equal("[build 4/4] RUN make 1", run.Meta.Name);
        Assert.Equal("/out", copy.Actions.OfType<CopyAction>().Single().Destination);
        Assert.Equal(["COPY /src/out /out # buildkit", "USER 1000", "EXPOSE [443/udp 80/tcp]", "CMD [\"/out\"]"], result.Config.History!.Value.Select(h => h.CreatedBy));
    }

    [Fact]
    public async Task Names_that_differ_in_bytes_that_are_no_text_are_different_steps()
    {
        async Task<Kimg.Engine.Primitives.Digest> DigestAsync(string name) => (await FakeHost.LowerAsync($"FROM scratch\nCOPY {name} /x\n")).Root.Digest;
        Assert.NotEqual(await DigestAsync("caf\uDCE9"), await DigestAsync("caf\uDCEA"));
        Assert.NotEqual(await DigestAsync("caf\uDCE9"), await DigestAsync("caf\uFFFD"));
        Assert.Equal(await DigestAsync("caf\uDCE9"), await DigestAsync("caf\uDCE9"));
    }
}
