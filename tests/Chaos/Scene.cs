using System.Diagnostics;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Chaos;

/// <summary>A state directory, a context with a shell in it, and the static binary. Disposed, it insists that nothing of kimg is left.</summary>
public sealed class Scene : IDisposable
{
    /// <summary>The beginning of a Dockerfile whose steps have a shell.</summary>
    public const string Shell = "FROM scratch\nCOPY busybox /bin/sh\nCOPY busybox /bin/busybox\nRUN /bin/busybox --install -s /bin && mkdir -p /tmp\n";

    private readonly TempDirectory _directory = new();
    private readonly bool _unprivileged;

    /// <param name="unprivileged">Everything belongs to, and runs as, a user without privileges.</param>
    public Scene(bool unprivileged = false)
    {
        _unprivileged = unprivileged;
        Directory.CreateDirectory(Context);
        Directory.CreateDirectory(State);
        System.IO.File.Copy("/bin/busybox", Path.Combine(Context, "busybox"));
        if (unprivileged) Own();
    }

    public string this[string name] => _directory[name];

    /// <summary>NAME=VALUE of builds.</summary>
    public List<string> Variables { get; } = [];

    public string State => _directory["state"];

    public string Context => _directory["context"];

    public void File(string name, string text)
    {
        string path = Path.Combine(Context, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllText(path, text);
    }

    public void Dockerfile(string text) => File("Dockerfile", text);

    /// <summary>Builds into an OCI tar unless the options say where else.</summary>
    public Task<ProgramResult> BuildAsync(params string[] options) =>
        HostProgram.RunAsync(Command(options)[0], Command(options)[1..], limit: TimeSpan.FromMinutes(2));

    public async Task<OciTar> ImageAsync(params string[] options)
    {
        string tar = _directory[$"{Guid.NewGuid():N}.tar"];
        (await BuildAsync([.. options, "-o", $"type=oci,dest={tar}"])).OutputOrThrow();
        return OciTar.Read(tar);
    }

    /// <summary>A build that goes on while the test does something to it.</summary>
    public Process Start(params string[] options)
    {
        string[] command = Command(options);
        Process process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        return process;
    }

    public async Task<ProgramResult> FailsAsync(string code, int exitCode, string message, params string[] options)
    {
        ProgramResult result = await BuildAsync(options);
        Assert.True(result.ExitCode == exitCode && result.Errors.Contains($"ERROR {code}: ", StringComparison.Ordinal), $"exit code {result.ExitCode}\n{result.Errors}");
        Assert.Contains(message, result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at Kimg.", result.Errors, StringComparison.Ordinal);
        AssertNothingLeft();
        return result;
    }

    /// <summary>Gives the user what the test wrote since.</summary>
    public void Own() =>
        HostProgram.MustAsync("chown", "-Rh", $"{UnprivilegedUser.Instance.Uid}:{UnprivilegedUser.Instance.Gid}", _directory.Path).GetAwaiter().GetResult();

    public void AssertNothingLeft() => Leftovers.AssertNone(State);

    public void Dispose()
    {
        AssertNothingLeft();
        _directory.Dispose();
    }

    private string[] Command(string[] options)
    {
        string[] command = [RepositoryFiles.Kimg, "build", "--progress", "plain", "--state-dir", State, .. options, Context];
        return ["env", $"HOME={_directory.Path}", .. Variables, .. _unprivileged ? UnprivilegedUser.Instance.Command(command) : command];
    }
}
