namespace Kimg.Engine.Sandbox;

/// <summary>CLONE_NEW… of unshare(2).</summary>
[Flags]
internal enum Namespaces
{
    Mount = 0x00020000,
    Cgroup = 0x02000000,
    HostName = 0x04000000,
    Ipc = 0x08000000,
    User = 0x10000000,
    Process = 0x20000000,
    Network = 0x40000000,
}
