using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Native;

/// <summary>Whether the engine calls the kernel and C libraries by itself. The static binary does. As managed code (<c>dotnet exec kimg.dll</c>) it does on Linux;
/// on other systems directories are read and locks are taken by what .NET offers everywhere, and everything else of this folder refuses.</summary>
internal static class NativeCode
{
    /// <summary>The AppContext switch by which tests take the way of the other systems on Linux.</summary>
    internal const string Without = "Kimg.WithoutNative";

    // The tables of this folder are for these two.
    private static readonly bool s_usable = OperatingSystem.IsLinux()
        && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64
        && !(AppContext.TryGetSwitch(Without, out bool without) && without);

    /// <summary>True at compile time in the static binary, which has no other way in it.</summary>
    internal static bool IsUsable => !RuntimeFeature.IsDynamicCodeSupported || s_usable;

    /// <summary>What is said when something needs it after all.</summary>
    /// <param name="library">As the import names it.</param>
    internal static KimgException Refusal(string library) => new(
        ErrorCode.UnsupportedFeature, $"kimg is managed code on {RuntimeInformation.RuntimeIdentifier}, and cannot do this without {library} of Linux")
    {
        Hint = LinuxCommand,
    };

    /// <summary>Where the same command works.</summary>
    internal static string LinuxCommand => CommandOn(OperatingSystem.IsWindows(), OperatingSystem.IsMacOS());

    internal static string CommandOn(bool windows, bool macos) => (windows, macos) switch
    {
        (true, _) => "run the same command in WSL (wsl kimg build .)",
        (_, true) => "run the same command in a Linux VM (limactl shell default kimg build .)",
        _ => "run the same command with the kimg binary on Linux (x64, arm64)",
    } + ", or build in Kubernetes (kubectl create -f job-hostusers.yaml of docs/kubernetes.md)";
}
