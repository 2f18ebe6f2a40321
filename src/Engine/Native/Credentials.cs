using System.Runtime.InteropServices;

namespace Kimg.Engine.Native;

/// <summary>Identity, capabilities and the process attributes around them. Ids are changed for all threads (glibc does that); capabilities, attributes
/// and filters belong to the calling thread, so the thread that sets them must be the one that executes the program.</summary>
internal static unsafe partial class Credentials
{
    internal static uint EffectiveUserId => geteuid();

    internal static uint EffectiveGroupId => getegid();

    internal static void SetGroups(ReadOnlySpan<uint> groups)
    {
        fixed (uint* first = groups)
            if (setgroups((nuint)groups.Length, first) != 0) throw SyscallException.Last("setgroups");
    }

    internal static void SetIds(uint user, uint group)
    {
        if (setresgid(group, group, group) != 0) throw SyscallException.Last("setresgid");
        if (setresuid(user, user, user) != 0) throw SyscallException.Last("setresuid");
    }

    /// <summary>Removes from the bounding set everything that is not in <paramref name="keep"/>, and empties the ambient and inheritable sets.</summary>
    internal static void BoundCapabilities(ulong keep)
    {
        _ = prctl(PrCapAmbient, PrCapAmbientClearAll, 0, 0, 0);
        for (int capability = 0; capability < 64; capability++)
        {
            if ((keep >> capability & 1) == 0 && prctl(PrCapBoundingRead, (nuint)capability, 0, 0, 0) == 1
                && prctl(PrCapBoundingDrop, (nuint)capability, 0, 0, 0) != 0) throw SyscallException.Last("prctl(PR_CAPBSET_DROP)");
        }
    }

    /// <summary>Sets permitted and effective to those of <paramref name="keep"/> that are permitted; inheritable becomes empty.</summary>
    internal static void LimitCapabilities(ulong keep)
    {
        (_, ulong permitted) = Capabilities();
        ulong now = permitted & keep;
        CapabilityHeader header = new() { Version = CapabilityVersion3 };
        CapabilityData* data = stackalloc CapabilityData[2];
        data[0] = new() { Effective = (uint)now, Permitted = (uint)now };
        data[1] = new() { Effective = (uint)(now >> 32), Permitted = (uint)(now >> 32) };
        if (capset(&header, data) != 0) throw SyscallException.Last("capset");
    }

    /// <summary>Effective and permitted capabilities, bit = number in linux/capability.h.</summary>
    internal static (ulong Effective, ulong Permitted) Capabilities()
    {
        CapabilityHeader header = new() { Version = CapabilityVersion3 };
        CapabilityData* data = stackalloc CapabilityData[2];
        if (capget(&header, data) != 0) throw SyscallException.Last("capget");
        return (data[0].Effective | (ulong)data[1].Effective << 32, data[0].Permitted | (ulong)data[1].Permitted << 32);
    }

    internal static bool NoNewPrivileges => prctl(PrGetNoNewPrivs, 0, 0, 0, 0) == 1;

    /// <summary>0: none, 2: a filter (prctl(2), PR_GET_SECCOMP).</summary>
    internal static int SeccompMode => prctl(PrGetSeccomp, 0, 0, 0, 0);

    /// <summary>Loads a seccomp filter, an array of struct sock_filter, for the calling thread.</summary>
    internal static void InstallFilter(ReadOnlySpan<ulong> program)
    {
        fixed (ulong* first = program)
        {
            FilterProgram filter = new() { Length = checked((ushort)program.Length), Filter = first };
            if (prctl(PrSetSeccomp, SeccompModeFilter, (nuint)(&filter), 0, 0) != 0) throw SyscallException.Last("prctl(PR_SET_SECCOMP)");
        }
    }

    /// <summary>Orphaned descendants become this process's children.</summary>
    /// <summary>The kernel kills this process, and what it executes, when the thread that started it ends.</summary>
    internal static void DieWithParent() => _ = prctl(PrSetParentDeathSignal, Processes.SigKill, 0, 0, 0);

    internal static void BecomeSubreaper() => _ = prctl(PrSetChildSubreaper, 1, 0, 0, 0);

    /// <summary>Others of the same user can neither trace this process nor read its memory.</summary>
    internal static void BecomeUndumpable() => _ = prctl(PrSetDumpable, 0, 0, 0, 0);

    private const uint CapabilityVersion3 = 0x20080522;
    private const int PrSetParentDeathSignal = 1;
    private const int PrSetDumpable = 4;
    private const int PrGetSeccomp = 21;
    private const int PrSetSeccomp = 22;
    private const nuint SeccompModeFilter = 2;
    private const int PrCapBoundingRead = 23;
    private const int PrCapBoundingDrop = 24;
    private const int PrSetChildSubreaper = 36;
    private const int PrGetNoNewPrivs = 39;
    private const int PrCapAmbient = 47;
    private const nuint PrCapAmbientClearAll = 4;

    /// <summary>struct sock_fprog.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct FilterProgram
    {
        public ushort Length;
        public ulong* Filter;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct CapabilityHeader
    {
        public uint Version;
        public int Pid;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct CapabilityData
    {
        public uint Effective;
        public uint Permitted;
        public uint Inheritable;
    }

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc")]
    private static partial uint getegid();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setgroups(nuint size, uint* groups);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setresgid(uint real, uint effective, uint saved);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setresuid(uint real, uint effective, uint saved);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prctl(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int capget(CapabilityHeader* header, CapabilityData* data);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int capset(CapabilityHeader* header, CapabilityData* data);
}
