using Kimg.TestKit;
using Xunit;

namespace Kimg.Real;

/// <summary>Builds that people really do, by a user without privileges: the static binary builds and pushes, skopeo pulls, tar unpacks, runc runs.</summary>
public sealed class RealBuildTests(RealMachine machine) : IClassFixture<RealMachine>
{
    [Fact]
    public async Task Two_stages_on_busybox()
    {
        using PulledImage image = await machine.BuildAsync("hello", $"BASE={machine.Base("busybox")}", "WHO=real world");
        Assert.Equal("Hello, real world: this image was built without a daemon and without root.\n", await image.RunAsync());
        Assert.Equal("hello", image.Config["config"]!["Labels"]!["org.opencontainers.image.title"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_c_program_compiled_in_one_stage_and_copied_to_scratch()
    {
        using PulledImage image = await machine.BuildAsync("c-scratch", $"BASE={machine.Base("debian")}");
        Assert.Equal("hello from scratch, uid 0\n", await image.RunAsync());
        Assert.Equal(["greet"], Directory.GetFiles(image.RootFs).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_debian_image_with_nginx_and_curl_from_the_mirror()
    {
        using PulledImage image = await machine.BuildAsync("debian-nginx", $"BASE={machine.Base("debian")}");
        string answer = await image.RunAsync("sh", "-c", "nginx && curl -sfi http://127.0.0.1:8080/ && nginx -s quit");
        Assert.Contains("X-Built-By: kimg", answer, StringComparison.Ordinal);
        Assert.EndsWith("<h1>It is served</h1>\n", answer, StringComparison.Ordinal);
        Assert.Equal("33 33\n", await image.RunAsync("stat", "-c", "%u %g", "/srv/site/index.html"));
        Assert.Equal("SIGQUIT", image.Config["config"]!["StopSignal"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_node_app_with_npm_ci_and_a_cache_mount()
    {
        using PulledImage image = await machine.BuildAsync("node-app", $"BASE={machine.Base("node")}");
        Assert.Equal("<main><p>Built <strong>once</strong>, by <code>npm ci</code>.</p></main>\n", await image.RunAsync());
        Assert.False(Directory.Exists(image.RootFs + "/app/node_modules/typescript"));
        Assert.False(Directory.Exists(image.RootFs + "/root/.npm"));
    }

    /// <summary>Debian's perl speaks the agent's protocol: message 11 asks for the keys, 12 is the answer.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_step_reaches_the_ssh_agent_it_was_lent_and_no_other_step_does(bool byKey)
    {
        UnprivilegedUser user = machine.User;
        string context = $"{user.Home}/ssh-{byKey}", key = $"{context}/key", socket = $"{context}/agent";
        async Task AsUserAsync(params string[] command) => await HostProgram.MustAsync(user.Become[0], [.. user.Become[1..], .. command]);
        await AsUserAsync("mkdir", "-p", $"{context}/context");
        await AsUserAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "the-real-key", "-f", key);
        using var agent = new ServerProcess(user.Become[0], [.. user.Become[1..], "ssh-agent", "-D", "-a", socket]);
        await agent.SaysAsync("SSH_AUTH_SOCK");
        await AsUserAsync("env", $"SSH_AUTH_SOCK={socket}", "ssh-add", "-q", key);
        const string ask = "use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un($ENV{SSH_AUTH_SOCK})) or die $!; "
            + "syswrite(S, pack(\"NC\", 1, 11)); sysread(S, $b, 4096); print substr($b, 4, 1) eq chr(12) && $b =~ /the-real-key/ ? \"key\" : \"none\"";
        await File.WriteAllTextAsync($"{context}/context/Dockerfile", $"""
            FROM {machine.Base("debian")}
            RUN --mount=type=ssh perl -e '{ask}' > /with
            RUN echo "[$SSH_AUTH_SOCK]" > /without; ls /run/buildkit 2>/dev/null >> /without || true
            FROM scratch
            COPY --from=0 /with /without /
            """);

        (await user.KimgAsync("build", "--progress=plain", "--ssh", "default=" + (byKey ? key : socket), "-o", $"type=local,dest={context}/out", $"{context}/context")).OutputOrThrow();

        Assert.Equal("key", await File.ReadAllTextAsync($"{context}/out/with"));
        Assert.Equal("[]\n", await File.ReadAllTextAsync($"{context}/out/without"));
    }

    [Fact]
    public async Task A_dotnet_app_restored_and_published_in_one_stage()
    {
        using PulledImage image = await machine.BuildAsync("dotnet-app", $"SDK={machine.Base("dotnet-sdk")}", $"RUNTIME={machine.Base("dotnet-runtime")}");
        Assert.Equal("answer: 42\n...\n", await image.RunAsync());
        Assert.False(Directory.Exists(image.RootFs + "/root/.nuget"));
    }
}
