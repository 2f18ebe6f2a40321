using System.Runtime.InteropServices;

namespace Kimg.Engine.Native;

/// <summary>Open flags whose values differ between architectures (asm-generic against arm64's asm/fcntl.h).</summary>
internal static class OperatingSystemLayout
{
    internal static readonly int Directory = Pick(x64: 0x10000, arm64: 0x4000);
    internal static readonly int NoFollow = Pick(x64: 0x20000, arm64: 0x8000);

    private static int Pick(int x64, int arm64) => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? arm64 : x64;
}
