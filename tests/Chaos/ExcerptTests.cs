using Kimg.TestKit;
using Xunit;

namespace Kimg.Chaos;

/// <summary>Whatever goes wrong in a step, the user is shown the lines of the Dockerfile that it stands in.</summary>
public sealed class ExcerptTests : IClassFixture<ExcerptTests.Shared>
{
    private const string Nowhere = "127.0.0.1:1";

    private readonly Scene _scene;

    public ExcerptTests(Shared shared) => _scene = shared.Scene;

    /// <summary>The failing instruction is the last line, after the shell's four.</summary>
    [Theory]
    [InlineData("COPY missing /x", "KIMG2010", 3)]
    [InlineData("COPY missing* also-missing /x/", "KIMG2010", 3)]
    [InlineData("FROM scratch\nCOPY --from=0 /missing /x", "KIMG2010", 3, true)]
    [InlineData("COPY --from=0 /missing /x", "KIMG2015", 3)]
    [InlineData("COPY --from=named missing /x", "KIMG2010", 3)]
    [InlineData("COPY busybox /bin/sh/x", "KIMG2013", 3)]
    [InlineData("COPY --from=" + Nowhere + "/none:1 /x /x", "KIMG4001", 5)]
    [InlineData("COPY --from=Bad^Name /x /x", "KIMG2005", 3)]
    [InlineData("COPY --chmod=worse busybox /x", "KIMG2013", 3)]
    [InlineData("ADD http://" + Nowhere + "/x /x", "KIMG4012", 5)]
    [InlineData("ADD --checksum=sha256:0 http://" + Nowhere + "/x /x", "KIMG2005", 3)]
    [InlineData("ADD https://" + Nowhere + "/x.git /x", "KIMG4013", 5)]
    [InlineData("ADD broken.tar /x", "KIMG4014", 5)]
    [InlineData("WORKDIR /bin/sh/x", "KIMG2013", 3)]
    [InlineData("RUN exit 3", "KIMG3001", 4)]
    [InlineData("RUN [\"/missing\"]", "KIMG3002", 4)]
    [InlineData("RUN --mount=type=secret,id=q,required=true true", "KIMG3003", 4)]
    [InlineData("RUN --mount=type=ssh,required=true true", "KIMG3003", 4)]
    [InlineData("RUN --mount=type=bind,source=missing,target=/x true", "KIMG2010", 3)]
    [InlineData("RUN --mount=type=bind,from=named,source=missing,target=/x true", "KIMG2010", 3)]
    [InlineData("RUN --mount=type=cache,from=named,source=missing,target=/x true", "KIMG2010", 3)]
    [InlineData("RUN --mount=type=cache,from=" + Nowhere + "/none:1,target=/x true", "KIMG4001", 5)]
    [InlineData("RUN --mount=type=bind,from=Bad^Name,target=/x true", "KIMG2005", 3)]
    [InlineData("RUN --mount=type=tmpfs,target=/bin/sh/x true", "KIMG5002", 6)]
    [InlineData("RUN --security=insecure true", "KIMG1012", 2)]
    [InlineData("USER nobody-here\nRUN true", "KIMG2014", 3, true)]
    [InlineData("FROM " + Nowhere + "/none:1", "KIMG4001", 5)]
    [InlineData("FROM Bad^Name", "KIMG2005", 3)]
    [InlineData("FROM --platform=linux/a/b/c scratch", "KIMG2005", 3)]
    [InlineData("FROM 0", "KIMG4001", 5)]
    public async Task A_step_that_fails_is_shown_with_its_line(string instructions, string code, int exitCode, bool anyLine = false)
    {
        _scene.Dockerfile(Scene.Shell + instructions + "\n");
        ProgramResult result = await _scene.FailsAsync(
            code, exitCode, "", "-o", $"type=tar,dest={_scene["tree.tar"]}", "--build-context", "named=" + Path.Combine(_scene.Context, "named"));
        string last = instructions.Split('\n')[^1];
        Assert.Matches(anyLine ? @"(?m)^Dockerfile:\d+$" : "(?m)^Dockerfile:5$", result.Errors);
        Assert.Contains(anyLine ? ">>> " : "   5 | >>> " + last, result.Errors, StringComparison.Ordinal);
        if (anyLine) Assert.Contains(instructions.Split('\n'), line => result.Errors.Contains(">>> " + line, StringComparison.Ordinal));
    }

    public sealed class Shared : IDisposable
    {
        public Shared()
        {
            Scene.File("named/file", new string('x', 1000));
            System.Formats.Tar.TarFile.CreateFromDirectory(Path.Combine(Scene.Context, "named"), Path.Combine(Scene.Context, "broken.tar"), false);
            using (FileStream tar = File.Open(Path.Combine(Scene.Context, "broken.tar"), FileMode.Open)) tar.SetLength((3 * 512) + 100);
        }

        internal Scene Scene { get; } = new();

        public void Dispose() => Scene.Dispose();
    }
}
