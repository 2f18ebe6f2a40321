using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Fleets;

public sealed class KubernetesTests
{
    private static string[] Manifests => ManifestPod.Manifests;

    [Fact]
    public async Task Every_manifest_is_valid_and_passes_the_pod_security_level_that_it_claims()
    {
        ProgramResult result = await NodeTools.CheckAsync("kubernetes.mjs", Manifests);
        Assert.True(result.ExitCode == 0, result.Errors);
        using JsonDocument pods = JsonDocument.Parse(result.Output);
        // All but Flux' own, whose pods are those of gitops.yaml.
        Assert.Equal(Manifests.Length - 1, pods.RootElement.GetArrayLength());
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

    [Theory]
    [InlineData("initContainers")]
    [InlineData("ephemeralContainers")]
    public async Task Containers_beside_the_main_one_are_looked_at_too(string kind)
    {
        using TempDirectory directory = new();
        string text = await File.ReadAllTextAsync(RepositoryFiles.Path("deploy/kubernetes/job-restricted.yaml"));
        string more = $"      {kind}:\n        - {{ name: more, image: busybox, securityContext: {{ privileged: true }}, volumeMounts: [{{ name: nothing, mountPath: /a }}] }}\n      containers:\n";
        await File.WriteAllTextAsync(directory["a.yaml"], text.Replace("      containers:\n", more, StringComparison.Ordinal));
        ProgramResult result = await NodeTools.CheckAsync("kubernetes.mjs", directory["a.yaml"]);
        foreach (string problem in new[] { "not restricted: privileged", "not restricted: capabilities are not dropped", "no volume nothing", "no memory limit" })
            Assert.Contains(problem, result.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("job-restricted", "drop: [ALL]", "drop: [ALL]\n            windowsOptions: { hostProcess: true }", "not restricted: hostProcess")]
    [InlineData("job-restricted", "fsGroup: 1000", "fsGroup: 1000\n        seLinuxOptions: { type: spc_t }", "not restricted: SELinux type spc_t")]
    [InlineData("job-restricted", "fsGroup: 1000", "fsGroup: 1000\n        seLinuxOptions: { user: root }", "not restricted: SELinux user root")]
    [InlineData("job-restricted", "fsGroup: 1000", "fsGroup: 1000\n        seLinuxOptions: { role: sysadm_r }", "not restricted: SELinux role sysadm_r")]
    [InlineData("job-restricted", "limits: { memory: 1Gi, ephemeral-storage: 8Gi }", "limits: { memory: 1Gi }", "no ephemeral-storage limit")]
    [InlineData("job-restricted", "limits: { memory: 1Gi, ephemeral-storage: 8Gi }", "limits: { ephemeral-storage: 8Gi }", "no memory limit")]
    [InlineData("job-userns", "limits: { memory: 256Mi, ephemeral-storage: 1Gi }", "limits: { memory: 256Mi }", "no ephemeral-storage limit")]
    [InlineData("tekton-task", "limits: { memory: 1Gi, ephemeral-storage: 8Gi }", "limits: {}", "Task/kimg: no memory limit")]
    [InlineData("tekton-task", "computeResources:", "resources:", "step build has resources, which tekton.dev/v1 calls computeResources")]
    [InlineData("flux", "imageRepositoryRef:\n    name: app", "imageRepositoryRef:\n    name: ap", "ImagePolicy/app: no ImageRepository ap")]
    [InlineData("flux", "kind: GitRepository\n    name: app\n  path: ./build", "kind: GitRepository\n    name: ap\n  path: ./build", "Kustomization/app-build: no GitRepository ap")]
    [InlineData("flux", "prune: true", "prune: often", "Kustomization/app-build: ")]
    [InlineData("flux", "digestReflectionPolicy: Always", "digestReflectionPolicy: Sometimes", "ImagePolicy/app: ")]
    [InlineData("argocd", "  destination:\n    server: https://kubernetes.default.svc\n    namespace: app\n", "", "Application/app: ")]
    [InlineData("argocd", "kind: Application", "kind: Applikation", "nothing here knows this kind")]
    public async Task What_a_level_forbids_or_a_controller_does_not_take_is_found(string manifest, string text, string other, string problem)
    {
        using TempDirectory directory = new();
        string right = await File.ReadAllTextAsync(RepositoryFiles.Path($"deploy/kubernetes/{manifest}.yaml"));
        string wrong = right.Replace(text, other, StringComparison.Ordinal);
        Assert.NotEqual(right, wrong);
        await File.WriteAllTextAsync(directory["a.yaml"], wrong);
        ProgramResult result = await NodeTools.CheckAsync("kubernetes.mjs", directory["a.yaml"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(problem, result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_selinux_gives_containers_anyway_is_restricted()
    {
        using TempDirectory directory = new();
        string text = await File.ReadAllTextAsync(RepositoryFiles.Path("deploy/kubernetes/job-restricted.yaml"));
        await File.WriteAllTextAsync(directory["a.yaml"], text.Replace("fsGroup: 1000", "fsGroup: 1000\n        seLinuxOptions: { type: container_t, level: \"s0:c1,c2\" }", StringComparison.Ordinal));
        ProgramResult result = await NodeTools.CheckAsync("kubernetes.mjs", directory["a.yaml"]);
        Assert.True(result.ExitCode == 0, result.Errors);
    }

    /// <summary>Flux watches what the CronJob pushes, and Argo CD's hook is one.</summary>
    [Fact]
    public async Task The_controllers_are_told_what_the_jobs_do()
    {
        string cron = await File.ReadAllTextAsync(RepositoryFiles.Path("deploy/kubernetes/gitops.yaml")), flux = await File.ReadAllTextAsync(RepositoryFiles.Path("deploy/kubernetes/flux.yaml"));
        Match pushed = Regex.Match(cron, "--tag=([^:,]+):([^,]+),");
        Assert.Contains($"  image: {pushed.Groups[1].Value}\n", flux, StringComparison.Ordinal);
        Assert.Contains($"    pattern: ^{pushed.Groups[2].Value}$\n", flux, StringComparison.Ordinal);
        string argo = await File.ReadAllTextAsync(RepositoryFiles.Path("deploy/kubernetes/argocd.yaml"));
        Assert.Contains("    argocd.argoproj.io/hook: PreSync\n", argo, StringComparison.Ordinal);
        Assert.Contains("    argocd.argoproj.io/hook-delete-policy: BeforeHookCreation\n", argo, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kimg-restricted", "1")]
    [InlineData("kimg-nightly", "nightly")]
    [InlineData("kimg-presync", "main")]
    public async Task Restricted_jobs_build_and_push_with_nothing_but_what_they_declare(string name, string tag)
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using PodBundle pod = await ManifestPod.MakeAsync(name, registry, "FROM scratch\nCOPY hello.txt /\n");
        ProgramResult result = await pod.RunAsync();
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        Assert.StartsWith("sha256:", await HostProgram.MustAsync("skopeo", "inspect", "--format", "{{.Digest}}", "--tls-verify=false", $"docker://{registry.Host}/team/app:{tag}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_restricted_job_says_why_it_cannot_run_steps_in_the_log_and_to_kubernetes()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using PodBundle pod = await ManifestPod.MakeAsync("kimg-restricted", registry, "FROM scratch\nCOPY hello.txt /\nRUN [\"/hello.txt\"]\n");
        ProgramResult result = await pod.RunAsync();
        Assert.Equal(6, result.ExitCode);
        Assert.Equal("KIMG5001", Last(result).GetProperty("code").GetString());
        string message = await File.ReadAllTextAsync(pod.Terminated);
        Assert.StartsWith("KIMG5001: ", message, StringComparison.Ordinal);
        Assert.Contains("hint: ", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("kimg-hostusers")]
    [InlineData("kimg-userns")]
    [InlineData("kimg-privileged")]
    public async Task Jobs_that_run_steps_do_so(string name)
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using PodBundle pod = await ManifestPod.MakeAsync(name, registry, "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"id -u > /uid\"]\n");
        ProgramResult result = await pod.RunAsync();
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        Assert.StartsWith("sha256:", await HostProgram.MustAsync("skopeo", "inspect", "--format", "{{.Digest}}", "--tls-verify=false", $"docker://{registry.Host}/team/app:1"), StringComparison.Ordinal);
    }

    /// <summary>The init container's volume is the pod's: what it leaves there is what the Job builds.</summary>
    [Fact]
    public async Task The_init_container_of_the_userns_job_fetches_what_the_job_builds()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using PodBundle sources = await ManifestPod.MakeAsync(
            "kimg-userns", registry, "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"touch\", \"/fetched\"]\n", containers: "initContainers");
        ProgramResult fetched = await sources.RunAsync();
        Assert.True(fetched.ExitCode == 0, fetched.Output + fetched.Errors);
        using PodBundle pod = await ManifestPod.MakeAsync("kimg-userns", registry, "FROM scratch\nCOPY nothing /\n");
        await HostProgram.MustAsync("rsync", "-a", "--delete", sources.Volumes["context"] + "/", pod.Volumes["context"] + "/");
        ProgramResult result = await pod.RunAsync();
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        Assert.StartsWith("sha256:", await HostProgram.MustAsync("skopeo", "inspect", "--format", "{{.Digest}}", "--tls-verify=false", $"docker://{registry.Host}/team/app:1"), StringComparison.Ordinal);
    }

    /// <summary>As Jenkins' plugin does: the pod is started as it is, its workspace is a volume of all containers, and each step is a shell in it.</summary>
    [Fact]
    public async Task The_jenkins_pod_stays_and_its_steps_build_and_push()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        const string Workspace = "/home/jenkins/agent";
        using PodBundle pod = await ManifestPod.MakeAsync("kimg-agent", registry, "FROM scratch\nCOPY hello.txt /\n", kind: "Pod", mounts: new() { ["source"] = Workspace });
        Task<ProgramResult> running = pod.RunAsync();
        string[] job = ["JENKINS_URL=http://jenkins.example/", "JOB_NAME=app", "BRANCH_NAME=main", "GIT_COMMIT=c0ffee", $"WORKSPACE={Workspace}"];
        ProgramResult step = await pod.ExecAsync(Workspace, job, "sh", "-c", $"id -u; kimg ci build --oci-labels --push --tag {registry.Host}/team/app:1 .");
        Assert.True(step.ExitCode == 0, step.Output + step.Errors);
        Assert.StartsWith("1000\n", step.Output, StringComparison.Ordinal);
        Assert.False(running.IsCompleted);
        string revision = await HostProgram.MustAsync(
            "skopeo", "inspect", "--format", "{{index .Labels \"org.opencontainers.image.revision\"}}", "--tls-verify=false", $"docker://{registry.Host}/team/app:1");
        Assert.Equal("c0ffee", revision.Trim());
        await pod.TerminateAsync("KILL");
        await running;
    }

    [Fact]
    public async Task A_pod_whose_proc_is_masked_is_told_the_field_that_unmasks_it()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using PodBundle pod = await ManifestPod.MakeAsync(
            "kimg-userns", registry, "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"true\"]\n",
            change: container => container["securityContext"]!.AsObject().Remove("procMount"));
        ProgramResult result = await pod.RunAsync();
        Assert.True(result.ExitCode == 6, result.Errors);
        Assert.StartsWith("KIMG5001: ", await File.ReadAllTextAsync(pod.Terminated), StringComparison.Ordinal);
        Assert.Contains("procMount: Unmasked", Last(result).GetProperty("hint").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pod_that_is_stopped_ends_cleanly_within_its_grace_period()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using PodBundle pod = await ManifestPod.MakeAsync("kimg-privileged", registry, "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo step runs; sleep 600\"]\n");
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

    [Fact]
    public async Task Memory_bounds_neither_files_nor_layers()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using PodBundle pod = await ManifestPod.MakeAsync("kimg-restricted", registry, "FROM scratch\nCOPY large /\n", memory: 96 << 20);
        await using (FileStream large = File.Create(Path.Combine(pod.Volumes["context"], "large"))) large.SetLength(256 << 20);
        ProgramResult result = await pod.RunAsync();
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
    }

    [Fact]
    public async Task A_step_that_takes_more_memory_than_the_pod_has_is_reported()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using PodBundle pod = await ManifestPod.MakeAsync(
            "kimg-privileged", registry, "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"a=$(/bin/busybox yes | /bin/busybox head -c 500m); echo ${#a}\"]\n",
            memory: 128 << 20);
        ProgramResult result = await pod.RunAsync();
        Assert.Equal(4, result.ExitCode);
        Assert.Equal("KIMG3005", Last(result).GetProperty("code").GetString());
        Assert.StartsWith("KIMG3005: ", await File.ReadAllTextAsync(pod.Terminated), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pod_with_too_little_memory_for_kimg_itself_says_so()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using PodBundle pod = await ManifestPod.MakeAsync("kimg-restricted", registry, "FROM scratch\nCOPY large /\n", memory: 20 << 20);
        await File.WriteAllBytesAsync(Path.Combine(pod.Volumes["context"], "large"), System.Security.Cryptography.RandomNumberGenerator.GetBytes(64 << 20));
        ProgramResult result = await pod.RunAsync();
        Assert.True(result.ExitCode == 137, result.Errors);
        Assert.StartsWith("KIMG3005: kimg was killed", await File.ReadAllTextAsync(pod.Terminated), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_volume_is_reported()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        using PodBundle pod = await ManifestPod.MakeAsync("kimg-restricted", registry, "FROM scratch\nCOPY large /\n", sizes: new() { ["state"] = "16m" });
        await File.WriteAllBytesAsync(Path.Combine(pod.Volumes["context"], "large"), System.Security.Cryptography.RandomNumberGenerator.GetBytes(40 << 20));
        ProgramResult result = await pod.RunAsync();
        Assert.True(result.ExitCode == 8, result.Errors);
        Assert.True(Last(result).GetProperty("code").GetString() == "KIMG7001", result.Errors);
        Assert.Equal(1, result.Errors.Split('\n').Count(line => line.Contains("KIMG7001", StringComparison.Ordinal)));
        string message = await File.ReadAllTextAsync(pod.Terminated);
        Assert.StartsWith("KIMG7001: no space left for '", message, StringComparison.Ordinal);
        Assert.Contains("hint: ", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_tekton_task_leaves_its_results()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        Dictionary<string, string> given = new()
        {
            ["$(params.image)"] = $"{registry.Host}/team/app:1", ["$(params.dockerfile)"] = "Dockerfile", ["$(params.context)"] = ".", ["$(workspaces.source.path)"] = "/workspace",
            ["$(workspaces.credentials.path)"] = "", ["$(params.url)"] = "https://git.example/team/app", ["$(params.revision)"] = "c0ffee", ["$(params.ref)"] = "main", ["$(params.date)"] = "1600000000",
            ["$(params.options[*])"] = "--label=a=b",
        };
        using PodBundle pod = await ManifestPod.MakeAsync("kimg", registry, "FROM scratch\nCOPY hello.txt /\n", kind: "Task", given: given, mounts: new() { ["source"] = "/workspace", ["results"] = "/tekton/results" });
        // What a repository holds must not be taken for credentials where no workspace is given.
        await File.WriteAllTextAsync(Path.Combine(pod.Volumes["source"], "config.json"), "not json");
        ProgramResult result = await pod.RunAsync();
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        using JsonDocument image = JsonDocument.Parse(await HostProgram.MustAsync("skopeo", "inspect", "--tls-verify=false", $"docker://{registry.Host}/team/app:1"));
        string digest = image.RootElement.GetProperty("Digest").GetString()!;
        Assert.Equal("c0ffee", image.RootElement.GetProperty("Labels").GetProperty("org.opencontainers.image.revision").GetString());
        foreach ((string name, string value) in new[] { ("digest", digest), ("IMAGE_DIGEST", digest), ("IMAGE_URL", $"{registry.Host}/team/app@{digest}") })
            Assert.Equal(value, await File.ReadAllTextAsync(Path.Combine(pod.Volumes["results"], name)));
    }

    [Fact]
    public async Task The_argo_template_gives_its_digest()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        Dictionary<string, string> given = new() { ["{{inputs.parameters.image}}"] = $"{registry.Host}/team/app:1", ["{{inputs.parameters.context}}"] = "git://git.example/team/app.git" };
        using PodBundle pod = await ManifestPod.MakeAsync(
            "kimg", registry, "FROM scratch\nCOPY hello.txt /\n", kind: "WorkflowTemplate", given: given,
            change: container => container["env"]!.AsArray().Add(new JsonObject { ["name"] = "GIT_PULL_METHOD", ["value"] = "http" }));
        ProgramResult result = await pod.RunAsync();
        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        Assert.Equal(
            (await HostProgram.MustAsync("skopeo", "inspect", "--format", "{{.Digest}}", "--tls-verify=false", $"docker://{registry.Host}/team/app:1")).Trim(),
            await File.ReadAllTextAsync(Path.Combine(pod.Volumes["tmp"], "digest")));
    }

    [Fact]
    public async Task Kubectl_reads_every_manifest()
    {
        using TempDirectory directory = new();
        foreach (string file in Manifests)
        {
            // Without a server: read, changed, written.
            string text = await KubectlAsync("annotate", "--local", "--filename", file, "--output", "json", "kimg/read=yes");
            Assert.Contains("\"kimg/read\": \"yes\"", text, StringComparison.Ordinal);
            // By kubectl's own types, where it has them and they are pods': a field of the wrong type is an error.
            if (!Path.GetFileName(file).StartsWith("job-", StringComparison.Ordinal) && !file.EndsWith("jenkins-pod.yaml", StringComparison.Ordinal)) continue;
            await File.WriteAllTextAsync(directory["pod.yaml"], (await File.ReadAllTextAsync(file)).Split("---\n")[^1]);
            string changed = await KubectlAsync("set", "image", "--local", "--filename", directory["pod.yaml"], "--output", "json", "kimg=mirror.example/kimg:1");
            Assert.Contains("\"image\": \"mirror.example/kimg:1\"", changed, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Kustomize_changes_their_image()
    {
        using TempDirectory directory = new();
        foreach (string file in Manifests) File.Copy(file, directory[Path.GetFileName(file)]);
        // Their images are where kustomize does not know of them.
        string[] others = ["tekton-task.yaml", "argo-workflow-template.yaml"];
        IEnumerable<string> resources = Manifests.Select(f => Path.GetFileName(f)).Except(others).Select(name => "- " + name);
        await File.WriteAllTextAsync(directory["kustomization.yaml"], $"resources:\n{string.Join('\n', resources)}\nimages:\n- name: ghcr.io/kimg/kimg\n  newName: mirror.example/kimg\n");
        string[] images = [.. (await KubectlAsync("kustomize", directory.Path)).Split('\n').Where(line => line.TrimStart(' ', '-').StartsWith("image:", StringComparison.Ordinal))];
        Assert.Equal(7, images.Count(line => line.Contains("mirror.example/kimg:", StringComparison.Ordinal)));
        Assert.DoesNotContain(images, line => line.Contains("ghcr.io/", StringComparison.Ordinal));
    }

    private static async Task<string> KubectlAsync(params string[] arguments) =>
        (await HostProgram.RunAsync("kubectl", arguments, new Dictionary<string, string> { ["KUBECONFIG"] = "/dev/null" })).OutputOrThrow();

    private static JsonElement Last(ProgramResult result)
    {
        using JsonDocument line = JsonDocument.Parse(result.Errors.Trim().Split('\n')[^1]);
        return line.RootElement.Clone();
    }
}
