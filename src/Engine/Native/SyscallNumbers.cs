using System.Runtime.InteropServices;

namespace Kimg.Engine.Native;

/// <summary>Numbers of the system calls that glibc 2.36 has no function for. From 424 on they are the same everywhere; the older ones are a table per
/// architecture. A test compiles this against the kernel's headers of both.</summary>
internal static class SyscallNumbers
{
    internal static readonly nint PivotRoot = Pick(x64: 155, arm64: 41);
    internal static readonly nint Seccomp = Pick(x64: 317, arm64: 277);

    internal const int OpenTree = 428;
    internal const int MoveMount = 429;
    internal const int FsOpen = 430;
    internal const int FsConfig = 431;
    internal const int FsMount = 432;
    internal const int CloseRange = 436;
    internal const int Openat2 = 437;
    internal const int MountSetattr = 442;

    private static int Pick(int x64, int arm64) => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => x64,
        Architecture.Arm64 => arm64,
        Architecture other => throw new PlatformNotSupportedException($"kimg has no system call numbers for {other}"),
    };
}
