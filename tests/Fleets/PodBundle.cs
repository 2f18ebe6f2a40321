using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Kimg.TestKit;

namespace Kimg.Fleets;

/// <summary>A container of a manifest as a bundle for runc, with what the manifest declares and nothing more: user, capabilities, no_new_privs, seccomp profile, read-only root,
/// user namespace. Other than in a cluster the network is the host's, because the registry is on loopback.</summary>
internal sealed class PodBundle : IDisposable
{
    // What containerd gives a container that says nothing.
    private static readonly string[] s_default =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
        "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
    ];

    private readonly TempDirectory _directory = new();
    private readonly int _shift;
    private readonly string _id = $"kimg-pod-{Guid.NewGuid():N}";

    /// <param name="files">By volume and path.</param>
    /// <param name="sizes">Volumes that are a file system of this size (tmpfs): an emptyDir with a limit, a small claim.</param>
    /// <param name="memory">In place of the manifest's limit, in bytes.</param>
    /// <param name="containers">Of which the first is run: containers, initContainers.</param>
    /// <param name="image">What the image's config says; null: as kimg's manifests have it.</param>
    public PodBundle(
        JsonElement pod, string[] arguments, IReadOnlyDictionary<string, string> files, IReadOnlyDictionary<string, string>? sizes = null, long? memory = null,
        ImageConfig? image = null, string containers = "containers")
    {
        JsonElement container = pod.GetProperty(containers)[0];
        JsonObject own = Object(container, "securityContext"), shared = Object(pod, "securityContext");
        JsonNode? Setting(string name) => own[name] ?? shared[name];
        bool privileged = (bool?)own["privileged"] ?? false, userNamespace = !(pod.TryGetProperty("hostUsers", out JsonElement users) ? users.GetBoolean() : true);
        int uid = (int?)Setting("runAsUser") ?? image?.Uid ?? 0, gid = (int?)Setting("runAsGroup") ?? (Setting("runAsUser") is null ? image?.Gid : null) ?? 0;
        string[] add = Names(own["capabilities"]?["add"]), drop = Names(own["capabilities"]?["drop"]);
        string[] capabilities = privileged ? AllCapabilities() : [.. (drop.Contains("CAP_ALL") ? [] : s_default.Except(drop)).Concat(add).Distinct()];
        Root = Directory.CreateDirectory(_directory["rootfs"]).FullName;
        Directory.CreateDirectory(_directory["volumes"]);
        var mounts = new JsonArray
        {
            Mount("proc", "/proc", "proc"), Mount("tmpfs", "/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
            Mount("devpts", "/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"),
            Mount("shm", "/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777"),
            Mount("mqueue", "/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev"),
        };
        // A user namespace cannot mount the sysfs of a network namespace that is not its own.
        mounts.Add(userNamespace ? Mount("/sys", "/sys", "bind", "rbind", "ro") : Mount("sysfs", "/sys", "sysfs", "nosuid", "noexec", "nodev", "ro"));
        if (!userNamespace) mounts.Add(Mount("cgroup", "/sys/fs/cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "ro"));
        int shift = userNamespace ? 300_000 : 0;
        _shift = shift;
        foreach (JsonElement volume in container.GetProperty("volumeMounts").EnumerateArray())
        {
            string name = volume.GetProperty("name").GetString()!, source = Directory.CreateDirectory(_directory["volumes/" + name]).FullName;
            foreach ((string file, string text) in files.Where(f => f.Key.StartsWith(name + "/", StringComparison.Ordinal)))
                File.WriteAllText(Path.Combine(source, file[(name.Length + 1)..]), text);
            bool readOnly = volume.TryGetProperty("readOnly", out JsonElement flag) && flag.GetBoolean();
            Volumes[name] = source;
            string target = volume.GetProperty("mountPath").GetString()!;
            mounts.Add(sizes?.GetValueOrDefault(name) is { } size ? Mount("tmpfs", target, "tmpfs", $"uid={uid}", $"gid={gid}", $"size={size}") : Mount(source, target, "bind", "rbind", readOnly ? "ro" : "rw"));
        }

        File.WriteAllText(_directory["termination-log"], "");
        mounts.Add(Mount(_directory["termination-log"], "/dev/termination-log", "bind", "rbind", "rw"));
        Chown(_directory["volumes"], uid + shift, gid + shift);
        Chown(_directory["termination-log"], uid + shift, gid + shift);
        Terminated = _directory["termination-log"];
        var config = new JsonObject
        {
            ["ociVersion"] = "1.0.2",
            ["root"] = new JsonObject { ["path"] = Root, ["readonly"] = (bool?)own["readOnlyRootFilesystem"] ?? false },
            ["process"] = new JsonObject
            {
                ["user"] = new JsonObject { ["uid"] = uid, ["gid"] = gid },
                ["args"] = new JsonArray([.. arguments.Select(a => (JsonNode)a)]),
                ["env"] = new JsonArray([.. Variables(container, uid, image).Select(v => (JsonNode)v)]),
                ["cwd"] = image?.WorkingDirectory ?? "/workspace",
                ["noNewPrivileges"] = !((bool?)own["allowPrivilegeEscalation"] ?? true),
                // As containerd: a user that is not root has them in the bounding set only.
                ["capabilities"] = new JsonObject
                {
                    ["bounding"] = Array(capabilities), ["effective"] = Array(uid == 0 ? capabilities : []), ["permitted"] = Array(uid == 0 ? capabilities : []),
                },
            },
            ["mounts"] = mounts,
            ["linux"] = Linux(privileged, userNamespace, shift, capabilities, (string?)Setting("seccompProfile")?["type"], (string?)own["procMount"]),
        };
        if (memory is null && container.TryGetProperty("resources", out JsonElement resources)) memory = Bytes(resources.GetProperty("limits").GetProperty("memory").GetString()!);
        if (memory is { } limit) config["linux"]!["resources"] = new JsonObject { ["memory"] = new JsonObject { ["limit"] = limit } };
        File.WriteAllText(_directory["config.json"], config.ToJsonString());
    }

    public string Root { get; }

    /// <summary>The file of the container's termination message.</summary>
    public string Terminated { get; }

    public Dictionary<string, string> Volumes { get; } = [];

    public string Id => _id;

    /// <summary>The server of the context; it ends with the pod.</summary>
    public GitServer? Git { get; init; }

    /// <summary>In a user namespace the files are those of its root; elsewhere the kubelet does it by an idmapped mount.</summary>
    /// <param name="idMappers">Of deploy/image/uidmap.Dockerfile what makes it another image: newuidmap and newgidmap, this machine's, by file capabilities.</param>
    public async Task UnpackAsync(string image, bool idMappers = false)
    {
        await ReleaseImage.UnpackAsync(Root, image);
        await HostProgram.MustAsync("chmod", "755", _directory.Path);
        string[] programs = idMappers ? ["newuidmap", "newgidmap"] : [];
        foreach (string program in programs)
        {
            string path = (await HostProgram.MustAsync("which", program)).Trim();
            foreach (Match library in Regex.Matches(await HostProgram.MustAsync("ldd", path), "(/\\S+) \\(")) await CopyAsync(library.Groups[1].Value);
            await CopyAsync(path);
            await File.WriteAllTextAsync(Path.Combine(Root, program == "newuidmap" ? "etc/subuid" : "etc/subgid"), "kimg:2000:60000\n");
        }

        if (_shift > 0) Chown(Root, _shift, _shift);
        // The owner of the pod's user namespace; a node does it by the mount of the image.
        foreach (string program in programs)
            await HostProgram.MustAsync("setcap", "-n", $"{_shift}", program == "newuidmap" ? "cap_setuid+ep" : "cap_setgid+ep", Root + (await HostProgram.MustAsync("which", program)).Trim());
    }

    private async Task CopyAsync(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Root + path)!);
        await HostProgram.MustAsync("cp", "--dereference", path, Root + path);
        await HostProgram.MustAsync("chmod", "755", Root + path);
    }

    public async Task<ProgramResult> RunAsync() => await HostProgram.RunAsync("runc", ["--root", _directory["runc"], "run", "--bundle", _directory.Path, _id], limit: TimeSpan.FromMinutes(2));

    /// <summary>As <c>kubectl exec</c>, in a container that runs: waits until it does.</summary>
    public async Task<ProgramResult> ExecAsync(string directory, IEnumerable<string> variables, params string[] command)
    {
        // runc has no way to wait; each answer takes it long enough.
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(60));
        while (!(await HostProgram.RunAsync("runc", ["--root", _directory["runc"], "state", _id])).Output.Contains("\"running\"", StringComparison.Ordinal)) limit.Token.ThrowIfCancellationRequested();
        string[] exec = ["--root", _directory["runc"], "exec", "--cwd", directory, .. variables.SelectMany(v => new[] { "--env", v }), _id, .. command];
        return await HostProgram.RunAsync("runc", exec, limit: TimeSpan.FromMinutes(2));
    }

    /// <summary>As the kubelet stops a pod; KILL is what it sends when the grace period is over.</summary>
    public async Task TerminateAsync(string signal = "TERM") => (await HostProgram.RunAsync("runc", ["--root", _directory["runc"], "kill", _id, signal])).OutputOrThrow();

    public void Dispose()
    {
        Wait(() => HostProgram.RunAsync("runc", ["--root", _directory["runc"], "delete", "--force", _id]));
        Git?.Dispose();
        _directory.Dispose();
    }

    private static JsonObject Linux(bool privileged, bool userNamespace, int shift, string[] capabilities, string? seccomp, string? procMount)
    {
        var namespaces = new JsonArray { new JsonObject { ["type"] = "pid" }, new JsonObject { ["type"] = "ipc" }, new JsonObject { ["type"] = "uts" }, new JsonObject { ["type"] = "mount" } };
        var linux = new JsonObject { ["namespaces"] = namespaces };
        if (userNamespace)
        {
            namespaces.Add(new JsonObject { ["type"] = "user" });
            foreach (string map in new[] { "uidMappings", "gidMappings" })
                linux[map] = new JsonArray { new JsonObject { ["containerID"] = 0, ["hostID"] = shift, ["size"] = 65536 } };
        }

        if (privileged) return linux;
        if (seccomp == "RuntimeDefault") linux["seccomp"] = SeccompProfile.For(capabilities);
        if (procMount == "Unmasked") return linux;
        linux["maskedPaths"] = Array(["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"]);
        linux["readonlyPaths"] = Array(["/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]);
        return linux;
    }

    private static IEnumerable<string> Variables(JsonElement container, int uid, ImageConfig? image)
    {
        foreach (string variable in image?.Variables ?? ["PATH=/:/usr/bin:/bin", $"HOME={(uid == 0 ? "/root" : "/home/kimg")}"]) yield return variable;
        yield return "KUBERNETES_SERVICE_HOST=10.0.0.1";
        if (!container.TryGetProperty("env", out JsonElement variables)) yield break;
        foreach (JsonElement variable in variables.EnumerateArray()) yield return $"{variable.GetProperty("name").GetString()}={variable.GetProperty("value").GetString()}";
    }

    private static long Bytes(string quantity) => long.Parse(quantity[..^2], System.Globalization.CultureInfo.InvariantCulture) << quantity[^2..] switch
    {
        "Mi" => 20,
        "Gi" => 30,
        _ => throw new FormatException(quantity),
    };

    private static string[] AllCapabilities() =>
        [.. Wait(() => HostProgram.MustAsync("capsh", "--print")).Split('\n').First(l => l.StartsWith("Bounding set", StringComparison.Ordinal)).Split('=')[1].Trim()
            .Split(',').Select(c => c.ToUpperInvariant())];

    private static string[] Names(JsonNode? list) => list is JsonArray names ? [.. names.Select(n => "CAP_" + (string)n!)] : [];

    private static JsonObject Object(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out JsonElement found) ? JsonNode.Parse(found.GetRawText())!.AsObject() : [];

    private static JsonArray Array(IEnumerable<string> values) => new([.. values.Select(v => (JsonNode)v)]);

    private static JsonObject Mount(string source, string target, string type, params string[] options) =>
        new() { ["source"] = source, ["destination"] = target, ["type"] = type, ["options"] = Array(options) };

    private static void Chown(string path, int uid, int gid) => Wait(() => HostProgram.MustAsync("chown", "-R", $"{uid}:{gid}", path));

    // Not on the thread of the test: there are few of those, and when all of them wait nothing ends.
    private static T Wait<T>(Func<Task<T>> run) => Task.Run(run).GetAwaiter().GetResult();
}
