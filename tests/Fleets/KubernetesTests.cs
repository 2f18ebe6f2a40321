using System.Text.Json;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Fleets;

public sealed class KubernetesTests
{
    private static string[] Manifests => Directory.GetFiles(RepositoryFiles.Path("deploy/kubernetes"), "*.yaml");

    [Fact]
    public async Task Every_manifest_is_valid_and_passes_the_pod_security_level_that_it_claims()
    {
        ProgramResult result = await NodeTools.CheckAsync("kubernetes.mjs", Manifests);
        Assert.True(result.ExitCode == 0, result.Errors);
        using JsonDocument pods = JsonDocument.Parse(result.Output);
        Assert.Equal(Manifests.Length, pods.RootElement.GetArrayLength());
    }

    [Fact]
    public async Task A_manifest_that_claims_too_much_is_found()
    {
        using TempDirectory directory = new();
        string text = await File.ReadAllTextAsync(RepositoryFiles.Path("deploy/kubernetes/job-hostusers.yaml"));
        await File.WriteAllTextAsync(directory["a.yaml"], text.Replace("pod-security: privileged", "pod-security: restricted", StringComparison.Ordinal).Replace("backoffLimit: 0", "backoffLimit: none", StringComparison.Ordinal));
        ProgramResult result = await NodeTools.CheckAsync("kubernetes.mjs", directory["a.yaml"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("not restricted: capability SYS_ADMIN", result.Errors, StringComparison.Ordinal);
        Assert.Contains("backoffLimit", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_restricted_job_builds_and_pushes_with_nothing_but_what_it_declares()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using PodBundle pod = await PodAsync("kimg-restricted", registry, "FROM scratch\nCOPY hello.txt /\n");
        ProgramResult result = await pod.RunAsync();
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        Assert.StartsWith("sha256:", await HostProgram.MustAsync("skopeo", "inspect", "--format", "{{.Digest}}", "--tls-verify=false", $"docker://{registry.Host}/team/app:1"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_restricted_job_says_why_it_cannot_run_steps_in_the_log_and_to_kubernetes()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using PodBundle pod = await PodAsync("kimg-restricted", registry, "FROM scratch\nCOPY hello.txt /\nRUN [\"/hello.txt\"]\n");
        ProgramResult result = await pod.RunAsync();
        Assert.Equal(6, result.ExitCode);
        string last = result.Errors.Trim().Split('\n')[^1];
        using JsonDocument line = JsonDocument.Parse(last);
        Assert.Equal("KIMG5001", line.RootElement.GetProperty("code").GetString());
        string message = await File.ReadAllTextAsync(pod.Terminated);
        Assert.StartsWith("KIMG5001: ", message, StringComparison.Ordinal);
        Assert.Contains("hint: ", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kimg-hostusers")]
    [InlineData("kimg-privileged")]
    public async Task Jobs_that_run_steps_do_so(string name)
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using PodBundle pod = await PodAsync(name, registry, "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"id -u > /uid\"]\n");
        ProgramResult result = await pod.RunAsync();
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        Assert.StartsWith("sha256:", await HostProgram.MustAsync("skopeo", "inspect", "--format", "{{.Digest}}", "--tls-verify=false", $"docker://{registry.Host}/team/app:1"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pod_that_is_stopped_ends_cleanly_within_its_grace_period()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using PodBundle pod = await PodAsync("kimg-privileged", registry, "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo step runs; sleep 600\"]\n");
        // The worker that will run the step makes this directory.
        using FileSystemWatcher state = new(pod.Volumes["state"], "snapshots") { EnableRaisingEvents = true };
        TaskCompletionSource begun = new();
        state.Created += (_, _) => begun.TrySetResult();
        Task<ProgramResult> running = pod.RunAsync();
        await Task.WhenAny(begun.Task, running);
        await pod.TerminateAsync();
        ProgramResult result = await running.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(130, result.ExitCode);
        Assert.Contains("KIMG8001", result.Errors, StringComparison.Ordinal);
        Assert.StartsWith("KIMG8001: interrupted", await File.ReadAllTextAsync(pod.Terminated), StringComparison.Ordinal);
    }

    private static async Task<PodBundle> PodAsync(string name, DebianRegistry registry, string dockerfile)
    {
        using JsonDocument all = JsonDocument.Parse((await NodeTools.CheckAsync("kubernetes.mjs", Manifests)).Output);
        JsonElement pod = all.RootElement.EnumerateArray().First(p => p.GetProperty("name").GetString() == name).GetProperty("pod");
        JsonElement container = pod.GetProperty("containers")[0];
        // The context is a directory here for all of them; the manifest's own arguments otherwise.
        string volume = container.GetProperty("volumeMounts").EnumerateArray().Select(m => m.GetProperty("name").GetString()!).First(n => n is "context" or "git");
        string path = container.GetProperty("volumeMounts").EnumerateArray().First(m => m.GetProperty("name").GetString() == volume).GetProperty("mountPath").GetString()!;
        string[] arguments =
        [
            "/kimg",
            .. container.GetProperty("args").EnumerateArray().Select(a => a.GetString()!)
                .Where(a => !a.StartsWith("--secret=", StringComparison.Ordinal))
                .Select(a => a.StartsWith("https://git.", StringComparison.Ordinal) ? path : a.Replace("registry.example", registry.Host, StringComparison.Ordinal)),
        ];
        PodBundle bundle = new(pod, arguments, new Dictionary<string, string> { [volume + "/Dockerfile"] = dockerfile, [volume + "/hello.txt"] = "hello\n" });
        File.Copy("/bin/busybox", Path.Combine(bundle.Volumes[volume], "busybox"));
        await bundle.UnpackAsync();
        return bundle;
    }
}
