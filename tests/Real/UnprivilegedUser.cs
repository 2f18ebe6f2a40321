using Kimg.TestKit;

namespace Kimg.Real;

/// <summary>A user of the test's own with subordinate ids and a copy of kimg; removed with all that it made.</summary>
public sealed class UnprivilegedUser : IAsyncDisposable
{
    private readonly string _name = $"kimg-real-{Environment.ProcessId}";

    private UnprivilegedUser() { }

    public string Home => $"/var/tmp/{_name}";

    public string Kimg => $"{Home}/kimg";

    public static async Task<UnprivilegedUser> CreateAsync()
    {
        UnprivilegedUser user = new();
        if (!File.Exists("/etc/subuid"))
            await HostProgram.MustAsync("touch", "/etc/subuid", "/etc/subgid");
        await HostProgram.MustAsync("useradd", "--create-home", "--home-dir", user.Home, "--shell", "/bin/sh", user._name);
        await HostProgram.MustAsync("chmod", "700", user.Home);
        if (!(await File.ReadAllTextAsync("/etc/subuid")).Contains(user._name + ":", StringComparison.Ordinal))
            await HostProgram.MustAsync("usermod", "--add-subuids", "1000000-1065535", "--add-subgids", "1000000-1065535", user._name);
        await user.GiveAsync(RepositoryFiles.Kimg, user.Kimg);
        return user;
    }

    /// <summary>Copies a file or directory to where the user may read it.</summary>
    public async Task GiveAsync(string from, string to)
    {
        await HostProgram.MustAsync("cp", "-a", from, to);
        await HostProgram.MustAsync("chown", "-R", $"{_name}:{_name}", to);
    }

    /// <summary>The words before a command that this user is to run.</summary>
    public string[] Become => ["runuser", "-u", _name, "--", "env", "-i", $"HOME={Home}", $"USER={_name}", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"];

    /// <summary>Runs the binary as this user, in its home, with nothing of the test's environment.</summary>
    public Task<ProgramResult> KimgAsync(params string[] arguments) =>
        HostProgram.RunAsync(Become[0], [.. Become[1..], Kimg, .. arguments], directory: Home);

    public async ValueTask DisposeAsync()
    {
        await HostProgram.MustAsync("userdel", "--force", _name);
        await HostProgram.MustAsync("rm", "-rf", "--one-file-system", Home);
    }
}
