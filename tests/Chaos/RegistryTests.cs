using System.Globalization;
using System.Net;
using System.Text;
using Kimg.Engine.RegistryServer;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Chaos;

/// <summary>Registries that are down, lie, or are talked to by a kimg that dies.</summary>
public sealed class RegistryTests
{
    [Fact]
    public async Task Nobody_listens()
    {
        using Scene scene = new();
        scene.Dockerfile($"FROM 127.0.0.1:{ServerProcess.FreePort()}/x\n");
        ProgramResult result = await scene.FailsAsync("KIMG4001", 5, "connection refused");
        Assert.Contains("hint: check the registry's name", result.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{", "KIMG4008")]
    [InlineData("[]", "KIMG4008")]
    [InlineData("{\"schemaVersion\":2,\"layers\":7}", "KIMG4008")]
    [InlineData("{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":{\"mediaType\":\"x\",\"digest\":\"sha256:00\",\"size\":-1},\"layers\":[]}", "KIMG4008")]
    public async Task A_manifest_that_is_none(string json, string code)
    {
        using ScriptedServer server = new(request => request.Path == "/v2/" ? new ScriptedAnswer(200) : new ScriptedAnswer(200, json, ("Content-Type", "application/vnd.oci.image.manifest.v1+json")));
        using Scene scene = new();
        scene.Dockerfile($"FROM {server.Host}/x\nCOPY busybox /\n");
        await scene.FailsAsync(code, 5, "manifest");
    }

    [Fact]
    public async Task A_manifest_without_end()
    {
        byte[] huge = Encoding.ASCII.GetBytes("{\"schemaVersion\":2,\"x\":\"" + new string('x', 40 << 20) + "\"}");
        using ScriptedServer server = new(request => request.Path == "/v2/" ? new ScriptedAnswer(200)
            : new ScriptedAnswer(200, huge, ("Content-Type", "application/vnd.oci.image.manifest.v1+json")) { Chunked = true });
        using Scene scene = new();
        scene.Dockerfile($"FROM {server.Host}/x\nCOPY busybox /\n");
        await scene.FailsAsync("KIMG4008", 5, "manifest");
    }

    [Theory]
    [InlineData("digest")]
    [InlineData("longer")]
    [InlineData("unavailable")]
    public async Task A_blob_that_is_not_what_was_promised(string lie)
    {
        await using TestRegistry registry = TestRegistry.Start();
        string image = await HostileBase.PushAsync(registry, HostileBase.Text("f", "x"));
        registry.Fault = async (request, next) =>
        {
            if (request.Method != "GET" || !request.Path.Contains("/blobs/", StringComparison.Ordinal)) return await next();
            if (lie == "unavailable") return ServerResponse.Error(503, "UNAVAILABLE", "later");
            using ServerResponse real = await next();
            byte[] bytes = new byte[real.Length + (lie == "longer" ? 1000 : 0)];
            return ServerResponse.Bytes(200, "application/octet-stream", bytes);
        };
        using Scene scene = new();
        scene.Dockerfile($"FROM {image}\nRUN true\n");
        ProgramResult result = await scene.BuildAsync();
        Assert.Equal(5, result.ExitCode);
        Assert.Contains(lie == "unavailable" ? "503" : "sha256:", result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("KIMG9001", result.Errors, StringComparison.Ordinal);

        registry.Fault = null;
        (await scene.BuildAsync()).OutputOrThrow();
    }

    [Fact]
    public async Task A_push_that_is_killed_leaves_no_tag_and_can_be_done_again()
    {
        await using TestRegistry registry = TestRegistry.Start();
        using Scene scene = new();
        scene.Dockerfile("FROM scratch\nCOPY busybox /a\nCOPY Dockerfile /b\n");
        string[] stages = ["POST", "PATCH", "PUT", "HEAD"];
        foreach (string method in stages)
        {
            string repository = $"killed/{method.ToLowerInvariant()}", name = $"{registry.Host}/{repository}:1";
            TaskCompletionSource reached = new(), over = new();
            registry.Fault = async (request, next) =>
            {
                if (request.Method == method && request.Path.Contains(repository, StringComparison.Ordinal))
                {
                    reached.TrySetResult();
                    await over.Task;
                    throw new IOException("the client is gone");
                }

                return await next();
            };
            using System.Diagnostics.Process push = scene.Start("-t", name, "--push");
            Task ended = push.WaitForExitAsync();
            await Task.WhenAny(reached.Task, ended);
            if (!ended.IsCompleted) await HostProgram.MustAsync("kill", "-KILL", push.Id.ToString(CultureInfo.InvariantCulture));
            await ended;
            over.SetResult();
            registry.Fault = null;
            scene.AssertNothingLeft();
            Uri tag = new($"/v2/{repository}/manifests/1", UriKind.Relative);
            if (push.ExitCode != 0) Assert.Equal(HttpStatusCode.NotFound, (await registry.Client.GetAsync(tag)).StatusCode);
            (await scene.BuildAsync("-t", name, "--push")).OutputOrThrow();
            Assert.Equal(HttpStatusCode.OK, (await registry.Client.GetAsync(tag)).StatusCode);
        }
    }
}
