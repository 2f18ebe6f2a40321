using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Kimg.Engine.Native;
using Kimg.Engine.Sandbox;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Native;

/// <summary>Numbers and layouts against the kernel's own headers (Debian's linux-libc-dev and linux-libc-dev-arm64-cross), by compiling static assertions.</summary>
public class KernelTablesTests
{
        [Fact]
    public Task Agree_with_the_headers_of_x64() => CompileAsync("gcc", column: 0, "");

    [Fact]
    public Task Agree_with_the_headers_of_arm64() => CompileAsync("aarch64-linux-gnu-gcc", column: 1, "_Static_assert(__NR_pivot_root == 41 && __NR_seccomp == 277, \"arm64\");\n"
        + "_Static_assert(O_DIRECTORY == 0x4000 && O_NOFOLLOW == 0x8000, \"arm64\");\n");

    [Fact]
    public void The_tables_of_this_machine_are_picked()
    {
        bool arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
        Assert.Equal(arm ? (41, 277) : (155, 317), ((int)SyscallNumbers.PivotRoot, (int)SyscallNumbers.Seccomp));
        Assert.Equal(arm ? (0x4000, 0x8000) : (0x10000, 0x20000), (OperatingSystemLayout.Directory, OperatingSystemLayout.NoFollow));
    }

    private static async Task CompileAsync(string compiler, int column, string extra)
    {
        var source = new StringBuilder(Assertions()).Append(extra);
        if (column == 0) source.Append("_Static_assert(__NR_pivot_root == 155 && __NR_seccomp == 317 && O_DIRECTORY == 0x10000 && O_NOFOLLOW == 0x20000, \"x64\");\n");
        foreach (string entry in SeccompTable.Calls.Split(';', StringSplitOptions.TrimEntries))
        {
            string[] parts = entry.Split(' '), numbers = parts[1].Split(',');
            string number = numbers.Length == 1 ? numbers[0] : numbers[column];
            source.Append($"#ifdef __NR_{parts[0]}\n_Static_assert(__NR_{parts[0]} == {(number == "-" ? "-1" : number)}, \"{parts[0]}\");\n#endif\n");
        }

        string file = Path.Combine(Directory.CreateTempSubdirectory("kimg-tables-").FullName, "tables.c");
        await File.WriteAllTextAsync(file, source.ToString());
        await HostProgram.MustAsync(compiler, "-fsyntax-only", file);
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }

    private static string Assertions() => $"""
        #define _GNU_SOURCE
        #include <fcntl.h>
        #include <stddef.h>
        #include <sched.h>
        #include <signal.h>
        #include <spawn.h>
        #include <sys/prctl.h>
        #include <sys/socket.h>
        #include <sys/stat.h>
        #include <sys/mount.h>
        #include <sys/statfs.h>
        #include <sys/syscall.h>
        #include <sys/ioctl.h>
        #include <net/if.h>
        #include <linux/audit.h>
        #include <linux/capability.h>
        #include <linux/filter.h>
        #include <linux/seccomp.h>
        #define SAME(a, b) _Static_assert((a) == (b), #a)
        SAME(__NR_openat2, {SyscallNumbers.Openat2}); SAME(__NR_open_tree, {SyscallNumbers.OpenTree}); SAME(__NR_move_mount, {SyscallNumbers.MoveMount});
        SAME(__NR_fsopen, {SyscallNumbers.FsOpen}); SAME(__NR_fsconfig, {SyscallNumbers.FsConfig}); SAME(__NR_fsmount, {SyscallNumbers.FsMount});
        SAME(__NR_close_range, {SyscallNumbers.CloseRange}); SAME(__NR_mount_setattr, {SyscallNumbers.MountSetattr});
        SAME(CLONE_NEWNS, {(int)Namespaces.Mount}); SAME(CLONE_NEWCGROUP, {(int)Namespaces.Cgroup}); SAME(CLONE_NEWUTS, {(int)Namespaces.HostName});
        SAME(CLONE_NEWIPC, {(int)Namespaces.Ipc}); SAME(CLONE_NEWUSER, {(int)Namespaces.User}); SAME(CLONE_NEWPID, {(int)Namespaces.Process});
        SAME(CLONE_NEWNET, {(int)Namespaces.Network});
        SAME(MS_RDONLY, {(ulong)MountFlags.ReadOnly}); SAME(MS_NOSUID, {(ulong)MountFlags.NoSuid}); SAME(MS_NODEV, {(ulong)MountFlags.NoDevices});
        SAME(MS_NOEXEC, {(ulong)MountFlags.NoExec}); SAME(MS_BIND, {(ulong)MountFlags.Bind}); SAME(MS_REC, {(ulong)MountFlags.Recursive});
        SAME(MS_PRIVATE, {(ulong)MountFlags.Private}); SAME(MS_SLAVE, {(ulong)MountFlags.Slave}); SAME(MS_REMOUNT, {(ulong)MountFlags.Remount});
        SAME(MS_STRICTATIME, {(ulong)MountFlags.StrictAccessTime});
        SAME(sizeof(struct statx), {Unsafe.SizeOf<FileStatus.StatX>()}); SAME(offsetof(struct statx, stx_mode), {Offset<FileStatus.StatX>("Mode")});
        SAME(offsetof(struct statx, stx_uid), {Offset<FileStatus.StatX>("Uid")}); SAME(offsetof(struct statx, stx_gid), {Offset<FileStatus.StatX>("Gid")});
        SAME(offsetof(struct statx, stx_size), {Offset<FileStatus.StatX>("Size")});
        SAME(offsetof(struct statx, stx_mtime), {Offset<FileStatus.StatX>("ModifiedSeconds")});
        SAME(offsetof(struct statx, stx_atime), {Offset<FileStatus.StatX>("AccessedSeconds")});
        SAME(sizeof(struct statfs), {Unsafe.SizeOf<FileSystems.StatFs>()}); SAME(offsetof(struct statfs, f_flags), {Offset<FileSystems.StatFs>("Flags")});
        SAME(sizeof(struct msghdr), 56); SAME(offsetof(struct msghdr, msg_control), 32); SAME(sizeof(struct cmsghdr), 16); SAME(SCM_RIGHTS, 1);
        SAME(SOL_SOCKET, 1); SAME(MSG_CMSG_CLOEXEC, 0x40000000); SAME(MSG_NOSIGNAL, 0x4000); SAME(SOCK_CLOEXEC, 0x80000);
        SAME(O_PATH, 0x200000); SAME(O_CLOEXEC, 0x80000); SAME(O_CREAT, 0x40); SAME(O_EXCL, 0x80); SAME(O_NONBLOCK, 0x800);
        SAME(AT_EMPTY_PATH, 0x1000); SAME(AT_SYMLINK_NOFOLLOW, 0x100); SAME(AT_REMOVEDIR, 0x200); SAME(AT_RECURSIVE, 0x8000); SAME(AT_FDCWD, -100);
        SAME(SIOCSIFFLAGS, 0x8914); SAME(sizeof(struct ifreq), 40); SAME(IFF_UP | IFF_RUNNING, 0x41);
        SAME(PR_SET_SECCOMP, 22); SAME(PR_CAPBSET_READ, 23); SAME(PR_CAPBSET_DROP, 24); SAME(PR_SET_CHILD_SUBREAPER, 36); SAME(PR_CAP_AMBIENT, 47);
        SAME(PR_CAP_AMBIENT_CLEAR_ALL, 4); SAME(PR_GET_NO_NEW_PRIVS, 39); SAME(PR_GET_SECCOMP, 21); SAME(PR_SET_DUMPABLE, 4);
        SAME(_LINUX_CAPABILITY_VERSION_3, 0x20080522); SAME(CAP_SYS_ADMIN, 21); SAME(sizeof(struct sock_filter), 8); SAME(offsetof(struct sock_fprog, filter), 8);
        SAME(SECCOMP_RET_ALLOW, 0x7fff0000); SAME(SECCOMP_RET_ERRNO, 0x00050000); SAME(offsetof(struct seccomp_data, args), 16);
        SAME(AUDIT_ARCH_X86_64, {SeccompTable.X64}u); SAME(AUDIT_ARCH_AARCH64, {SeccompTable.Arm64}u); SAME(AUDIT_ARCH_I386, {SeccompTable.X86}u);
        SAME(AUDIT_ARCH_ARM, {SeccompTable.Arm}u); SAME(BPF_LD | BPF_W | BPF_ABS, 0x20); SAME(BPF_JMP | BPF_JGE | BPF_K, 0x35);
        _Static_assert(sizeof(posix_spawn_file_actions_t) <= 256 && sizeof(posix_spawnattr_t) <= 512 && sizeof(sigset_t) == 128, "spawn");

        """;

    private static int Offset<T>(string field) => (int)Marshal.OffsetOf<T>(field);
}
