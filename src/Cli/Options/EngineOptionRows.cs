using System.Collections.Immutable;
using Kimg.Cli.CommandLine;
using Kimg.Cli.Facade;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;

namespace Kimg.Cli.Options;

/// <summary>The options that become <see cref="EngineOptions"/>.</summary>
internal static class EngineOptionRows
{
    public static readonly OptionRow StateDirectory = new("state-dir", ValueKind.Single, "Where images, layers and the cache are kept")
    {
        Value = "DIR", Configurable = true, Path = PathKind.Directory, Default = "$XDG_DATA_HOME/kimg",
    };

    public static readonly OptionRow Isolation = new("isolation", ValueKind.Single, "How steps are isolated")
    {
        Value = "MODE", Choices = ["auto", "root", "userns"], Default = "auto", Configurable = true,
    };

    public static readonly OptionRow StorageDriver = new("storage-driver", ValueKind.Single, "How root file systems of steps are made")
    {
        Value = "DRIVER", Choices = ["auto", "overlay", "native", "fuse-overlayfs"], Default = "auto", Configurable = true,
    };

    public static readonly OptionRow Emulator = new("emulator", ValueKind.Many, "A static user-mode emulator for steps of another architecture")
    {
        Value = "[ARCH=]FILE", Configurable = true, Path = PathKind.File, Default = "/usr/bin/qemu-*-static",
    };

    public static readonly OptionRow Collection = new("gc", ValueKind.Single, "What is deleted after a build: off, auto, or max-used-space=…,min-free-space=…,reserved-space=…,keep-duration=…")
    {
        Value = "POLICY", Configurable = true, Default = "auto",
    };

    public static readonly OptionRow RegistryInsecure = new("registry-insecure", ValueKind.Many, "Use http or unverified TLS for this registry")
    {
        Value = "HOST[:PORT]", Configurable = true,
    };

    public static readonly OptionRow RegistryMirror = new("registry-mirror", ValueKind.Many, "Pull from a mirror first (of docker.io when no registry is named)")
    {
        Value = "[REGISTRY=]MIRROR", Configurable = true,
    };

    public static readonly ImmutableArray<OptionRow> Storage = [StateDirectory];

    public static readonly ImmutableArray<OptionRow> Registry = [RegistryInsecure, RegistryMirror];

    public static readonly ImmutableArray<OptionRow> All = [StateDirectory, Isolation, StorageDriver, Emulator, Collection, RegistryInsecure, RegistryMirror];

    /// <summary>Opens the engine as the options say.</summary>
    public static IEngine Open(Arguments arguments, CliHost host) => host.OpenEngine(Read(arguments, host));

    public static EngineOptions Read(Arguments arguments, CliHost host) => new()
    {
        StateDirectory = arguments.Value(StateDirectory) is { } path ? Path.GetFullPath(path, host.CurrentDirectory) : null,
        Isolation = Chosen(arguments.Value(Isolation)),
        StorageDriver = Chosen(arguments.Value(StorageDriver)),
        Collection = CollectionParser.Parse(arguments.Value(Collection)),
        Emulators = [.. arguments.Values(Emulator).Select(text => EmulatorOf(text, host))],
        InsecureRegistries = arguments.Values(RegistryInsecure),
        Mirrors = [.. arguments.Values(RegistryMirror).Select(MirrorOf)],
    };

    private static string? Chosen(string? value) => value is "auto" ? null : value;

    private static (string Architecture, string Path) EmulatorOf(string text, CliHost host)
    {
        int equals = text.IndexOf('=');
        (string architecture, string path) = equals < 0 ? ("", text) : (text[..equals], text[(equals + 1)..]);
        path = Path.GetFullPath(path, host.CurrentDirectory);
        if (EmulatorFile.Problem(path) is { } problem) throw new OptionSource("--emulator", text).Invalid(problem, EmulatorFile.Advice);
        return (architecture.Length == 0 ? "" : Platform.Parse("linux/" + architecture).Architecture, path);
    }

    private static (string Registry, string Mirror) MirrorOf(string text)
    {
        int equals = text.IndexOf('=');
        (string registry, string mirror) = equals < 0 ? ("docker.io", text) : (text[..equals], text[(equals + 1)..]);
        return registry.Length > 0 && mirror.Length > 0 ? (registry, mirror)
            : throw new OptionSource("--registry-mirror", text).Invalid("it is not [REGISTRY=]MIRROR", "for example docker.io=mirror.example.com");
    }
}
