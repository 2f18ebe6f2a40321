namespace Kimg.TestKit;

/// <summary>Programs of Debian for another architecture, fetched once, and the emulator that runs them.</summary>
public static class ForeignPrograms
{
    public const string Emulator = "/usr/bin/qemu-aarch64-static";

    private static readonly Lazy<Task<string>> s_busybox = new(async () =>
        (await HostProgram.MustAsync("bash", RepositoryFiles.Path("tests/Bases/foreign-busybox.sh"), "arm64")).Trim());

    /// <summary>Path of a static busybox for linux/arm64.</summary>
    public static Task<string> BusyboxAsync() => s_busybox.Value;
}
