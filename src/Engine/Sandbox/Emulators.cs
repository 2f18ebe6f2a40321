using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sandbox;

/// <summary>Which emulator runs the programs of a platform.</summary>
/// <param name="named">Absolute paths of emulators that are to be used, by architecture; "" for any.</param>
internal sealed class Emulators(ImmutableSortedDictionary<string, string> named)
{
    /// <summary>Where those are that are not named.</summary>
    public ImmutableArray<string> Directories { get; init; } = ["/usr/bin", "/usr/local/bin", "/bin"];

    /// <summary>A static emulator for the architecture, or null.</summary>
    /// <exception cref="KimgException">The one that was named is not there, or is none.</exception>
    public string? Find(string architecture)
    {
        if ((named.GetValueOrDefault(architecture) ?? named.GetValueOrDefault("")) is { } path)
        {
            return EmulatorFile.Problem(path) is not { } problem ? path
                : throw new KimgException(ErrorCode.ProgramMissing, $"the emulator '{path}' cannot be used: {problem}") { Hint = EmulatorFile.Advice };
        }

        return Machine.Find(architecture)?.Qemu is not { } qemu ? null
            : Directories.Select(directory => $"{directory}/qemu-{qemu}-static").FirstOrDefault(path => EmulatorFile.Problem(path) is null);
    }
}
