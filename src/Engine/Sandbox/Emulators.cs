using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sandbox;

/// <summary>Which emulator runs the programs of a platform.</summary>
/// <param name="named">Absolute paths of emulators that are to be used, by architecture; "" for any.</param>
internal sealed class Emulators(ImmutableSortedDictionary<string, string> named)
{
    private static readonly string[] s_directories = ["/usr/bin", "/usr/local/bin", "/bin"];

    /// <summary>A static emulator for the architecture, or null.</summary>
    /// <exception cref="KimgException">The one that was named is not there.</exception>
    public string? Find(string architecture)
    {
        if ((named.GetValueOrDefault(architecture) ?? named.GetValueOrDefault("")) is { } path)
        {
            return File.Exists(path) ? path : throw new KimgException(ErrorCode.ProgramMissing, $"there is no emulator '{path}'")
            {
                Hint = "apt-get install qemu-user-static brings /usr/bin/qemu-ARCH-static",
            };
        }

        return Machine.Find(architecture)?.Qemu is not { } qemu ? null
            : s_directories.Select(directory => $"{directory}/qemu-{qemu}-static").FirstOrDefault(File.Exists);
    }
}
