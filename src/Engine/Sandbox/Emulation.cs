using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sandbox;

/// <summary>How a step whose programs are for another machine is run.</summary>
/// <param name="Architecture">As in platforms.</param>
/// <param name="Interpreter">A static user-mode emulator, absolute; null: none was found here.</param>
internal sealed record Emulation(string Architecture, string? Interpreter, EmulationWay Way)
{
    internal const string HostRegistrations = "/proc/sys/fs/binfmt_misc";

    /// <summary>The ways there are on this host, best first.</summary>
    internal static IEnumerable<Emulation> Ways(string architecture, string? interpreter, FeatureMask without)
    {
        if (interpreter is not null && !without.HasFlag(FeatureMask.Binfmt) && KernelHasNamespaces())
            yield return new(architecture, interpreter, EmulationWay.OwnRegistration);
        if (IsRegistered(architecture, HostRegistrations)) yield return new(architecture, interpreter, EmulationWay.HostRegistration);
        if (interpreter is not null) yield return new(architecture, interpreter, EmulationWay.FirstProgram);
    }

    /// <summary>The error where there is none.</summary>
    internal static KimgException Impossible(string architecture) => new(
        ErrorCode.ForeignArchitecture, $"a step for linux/{architecture} cannot run on {Platform.Host}: there is no emulator")
    {
        Hint = Machine.Find(architecture)?.Qemu is null
            ? $"QEMU runs no programs for {architecture}: build this stage with FROM --platform=$BUILDPLATFORM"
            : "apt-get install qemu-user-static, or name a static one with --emulator; or build this stage with FROM --platform=$BUILDPLATFORM",
    };

    /// <summary>Whether the host itself hands such programs to an emulator, one that it keeps open (flag F): another one would have to be in every image.</summary>
    /// <param name="directory">Where binfmt_misc is mounted.</param>
    internal static bool IsRegistered(string architecture, string directory)
    {
        if (Machine.Find(architecture) is not { } machine || !Directory.Exists(directory)) return false;
        byte[] magic = machine.Signature().Magic;
        foreach (string entry in Directory.EnumerateFiles(directory).Where(path => Path.GetFileName(path) is not ("register" or "status")))
        {
            string[] lines = File.ReadAllLines(entry);
            if (lines is not ["enabled", ..] || Field(lines, "flags:")?.Contains('F') != true) continue;
            if (Field(lines, "magic ") is not { } hex || hex.Length < 2 * magic.Length) continue;
            byte[] registered = Convert.FromHexString(hex);
            if (registered.AsSpan(4, 3).SequenceEqual(magic.AsSpan(4, 3)) && registered.AsSpan(18, 2).SequenceEqual(magic.AsSpan(18, 2))) return true;
        }

        return false;
    }

    /// <summary>Mounts the binfmt_misc of the calling process's user namespace. What is registered there lasts as long as the mount.</summary>
    internal static void MountRegistry(string directory) =>
        Mounts.Mount("binfmt_misc", directory, "binfmt_misc", MountFlags.NoSuid | MountFlags.NoDevices | MountFlags.NoExec);

    /// <summary>Registers the emulator in the binfmt_misc of the calling process's user namespace. The kernel opens it now and for good (flag F), so the
    /// step's root needs to know nothing of it.</summary>
    /// <param name="directory">Where binfmt_misc is mounted.</param>
    internal void Register(string directory)
    {
        using FileStream register = new(Path.Combine(directory, "register"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        register.Write(RegistrationLine(Machine.Find(Architecture)!));
    }

    private byte[] RegistrationLine(Machine machine)
    {
        (byte[] magic, byte[] mask) = machine.Signature();
        // The separator is the first character; the interpreter's path may hold a colon.
        return Encoding.UTF8.GetBytes($"|kimg-{machine.Qemu}|M||{Escaped(magic)}|{Escaped(mask)}|{Interpreter}|OCF");
    }

    private static string Escaped(byte[] bytes) => string.Concat(bytes.Select(b => string.Create(CultureInfo.InvariantCulture, $"\\x{b:x2}")));

    private static string? Field(string[] lines, string name) => lines.FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?[name.Length..].Trim();

    // binfmt_misc became an instance per user namespace with Linux 6.7.
    private static bool KernelHasNamespaces() =>
        Environment.OSVersion.Version is var kernel && (kernel.Major > 6 || (kernel.Major == 6 && kernel.Minor >= 7));
}

[JsonConverter(typeof(JsonStringEnumConverter<EmulationWay>))]
internal enum EmulationWay
{
    /// <summary>In a binfmt_misc of the step's own user namespace.</summary>
    OwnRegistration,

    /// <summary>The host does it.</summary>
    HostRegistration,

    /// <summary>The emulator is started instead of the step's program. Foreign programs which that starts do not run.</summary>
    FirstProgram,
}
