using Kimg.TestKit;
using Xunit;

namespace Kimg.Chaos;

/// <summary>Contexts and Dockerfiles that are not as they should be.</summary>
public sealed class InputTests
{
    [Fact]
    public async Task A_file_of_the_context_that_cannot_be_read_is_named()
    {
        using Scene scene = new(unprivileged: true);
        scene.Dockerfile("FROM scratch\nCOPY . /\n");
        scene.File("private/key", "x");
        scene.Own();
        Kimg.Engine.Native.FileOwner.SetMode(Path.Combine(scene.Context, "private/key"), 0);
        await scene.FailsAsync("KIMG1009", 2, "private/key");
    }

    [Fact]
    public async Task A_directory_of_the_context_that_cannot_be_read_is_named()
    {
        using Scene scene = new(unprivileged: true);
        scene.Dockerfile("FROM scratch\nCOPY . /\n");
        scene.File("private/key", "x");
        scene.Own();
        Kimg.Engine.Native.FileOwner.SetMode(Path.Combine(scene.Context, "private"), 0);
        await scene.FailsAsync("KIMG1009", 2, "private");
    }

    [Fact]
    public async Task A_context_without_Dockerfile_or_with_one_of_absurd_size_is_refused()
    {
        using Scene scene = new();
        await scene.FailsAsync("KIMG2001", 3, "no Dockerfile");
        scene.Dockerfile(new string('#', 3 << 20));
        await scene.FailsAsync("KIMG2002", 3, "larger than 2 MiB");
        File.Delete(Path.Combine(scene.Context, "Dockerfile"));
        Directory.CreateDirectory(Path.Combine(scene.Context, "Dockerfile"));
        await scene.FailsAsync("KIMG2001", 3, "Dockerfile");
    }

    [Fact]
    public async Task A_symlink_of_the_context_is_never_followed_out_of_it()
    {
        using Scene scene = new();
        scene.File("plain", "x");
        File.CreateSymbolicLink(Path.Combine(scene.Context, "out"), "/etc");
        File.CreateSymbolicLink(Path.Combine(scene.Context, "up"), "../../../../etc/passwd");
        scene.Dockerfile("FROM scratch\nCOPY out/passwd /stolen\n");
        await scene.FailsAsync("KIMG2010", 3, "out/passwd");
        scene.Dockerfile("FROM scratch\nCOPY ../../etc/passwd /stolen\n");
        await scene.FailsAsync("KIMG2010", 3, "etc/passwd");
        scene.Dockerfile("FROM scratch\nCOPY up /stolen\n");
        await scene.FailsAsync("KIMG2010", 3, "up");
        scene.Dockerfile("FROM scratch\nCOPY . /all/\n");
        OciTar image = await scene.ImageAsync();
        Assert.Equal("SymbolicLink /etc", image.Files["all/out"]);
        Assert.Equal("SymbolicLink ../../../../etc/passwd", image.Files["all/up"]);
    }

    [Fact]
    public async Task A_copy_from_a_stage_through_symlinks_that_climb_stays_in_the_stage()
    {
        using Scene scene = new();
        scene.Dockerfile(Scene.Shell + """
            RUN ln -s ../../../../../../etc /climb && ln -s /etc /absolute && mkdir -p /etc && echo inside >/etc/passwd
            FROM scratch
            COPY --from=0 /climb/passwd /one
            COPY --from=0 /absolute/passwd /two
            """);
        OciTar image = await scene.ImageAsync();
        Assert.Equal("inside\n", image.Files["one"]);
        Assert.Equal("inside\n", image.Files["two"]);
    }

    [Fact]
    public async Task A_copy_through_a_symlink_of_the_image_that_climbs_writes_into_the_image()
    {
        using Scene scene = new();
        scene.File("f", "written");
        string probe = $"/kimg-chaos-{Guid.NewGuid():N}";
        scene.Dockerfile(Scene.Shell + $"RUN ln -s ../../../../../../.. /climb && ln -s / /absolute\nCOPY f /climb{probe}\nCOPY f /absolute{probe}-2\n");
        OciTar image = await scene.ImageAsync();
        Assert.Equal("written", image.Files[probe[1..]]);
        Assert.Equal("written", image.Files[probe[1..] + "-2"]);
        Assert.False(File.Exists(probe));
    }

    [Theory]
    [InlineData("Dockerfile", "KIMG1009", 2)]
    [InlineData(".dockerignore", "KIMG1009", 2)]
    [InlineData("Dockerfile.dockerignore", "KIMG1009", 2)]
    [InlineData("secret", "KIMG1010", 2)]
    public async Task A_named_pipe_where_a_file_should_be_is_refused_and_not_waited_for(string name, string code, int exitCode)
    {
        using Scene scene = new();
        scene.Dockerfile(Scene.Shell + "RUN --mount=type=secret,id=s cat /run/secrets/s\n");
        string path = Path.Combine(scene.Context, name);
        File.Delete(path);
        await HostProgram.MustAsync("mkfifo", path);
        ProgramResult result = await scene.FailsAsync(code, exitCode, "is a named pipe", name == "secret" ? ["--secret", "id=s,src=" + path] : []);
        Assert.Contains(name, result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Devices_without_end_are_not_read_to_their_end()
    {
        using Scene scene = new();
        scene.Dockerfile(Scene.Shell + "RUN --mount=type=secret,id=s cat /run/secrets/s\n");
        await scene.FailsAsync("KIMG2002", 3, "larger than", "-f", "/dev/zero");
        await scene.FailsAsync("KIMG1010", 2, "larger than", "--secret", "id=s,src=/dev/zero");
    }

    [Fact]
    public async Task What_a_shell_makes_of_a_process_substitution_is_read()
    {
        using Scene scene = new();
        scene.File("secret.Dockerfile", Scene.Shell + "RUN --mount=type=secret,id=s cp /run/secrets/s /kept\n");
        string tar = scene["image.tar"];
        ProgramResult result = await HostProgram.RunAsync("bash", ["-c",
            "\"$0\" build --state-dir \"$1\" -f <(cat \"$2/secret.Dockerfile\") --secret id=s,src=<(echo hidden) -o type=oci,dest=\"$3\" \"$2\"",
            RepositoryFiles.Kimg, scene.State, scene.Context, tar]);
        Assert.True(result.ExitCode == 0, result.Errors);
        Assert.Equal("hidden\n", OciTar.Read(tar).Files["kept"]);
    }

    [Fact]
    public async Task Pipes_sockets_and_devices_in_the_context_do_not_hang_a_build()
    {
        using Scene scene = new();
        await HostProgram.MustAsync("mkfifo", Path.Combine(scene.Context, "pipe"));
        scene.File("plain", "x");
        scene.Dockerfile("FROM scratch\nCOPY . /\n");
        Assert.Equal("x", (await scene.ImageAsync()).Files["plain"]);
    }
}
