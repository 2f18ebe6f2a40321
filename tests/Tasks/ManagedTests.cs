using System.Diagnostics;
using System.Runtime.Versioning;
using Kimg.Real;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Tasks.Tests;

/// <summary>kimg as macOS and Windows get it: the packed managed code, with every native call made to throw.</summary>
[SupportedOSPlatform("linux")]
[Collection(nameof(DotnetMachine))]
public sealed class ManagedTests(DotnetMachine machine) : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Archives_stores_and_registries_get_the_bytes_that_the_binary_makes()
    {
        string context = WriteContext();
        // Level 9, where the two versions of zlib make the same.
        string[] outputs = ["oci", "docker", "tar"];
        string[] options = [.. outputs.Select(type => $"--output=type={type},dest={{0}}/{type}{(type == "tar" ? "" : ",compression-level=9")}"), "--metadata-file={0}/metadata"];
        foreach (string way in new[] { "binary", "managed" })
        {
            string directory = Directory.CreateDirectory(_directory[way]).FullName;
            (await RunAsync(way, ["build", "-t", "local/app:1", .. options.Select(option => option.Replace("{0}", directory, StringComparison.Ordinal)), context])).OutputOrThrow();
        }

        foreach (string output in outputs) Assert.True(File.ReadAllBytes(_directory[$"binary/{output}"]).SequenceEqual(File.ReadAllBytes(_directory[$"managed/{output}"])), output);

        string name = $"{machine.Registry}/managed/app:1";
        (await RunAsync("managed", ["build", "-t", name, "--push", context])).OutputOrThrow();
        using (PulledImage image = await PulledImage.PullAsync(name))
        {
            Assert.Equal("1654 1654 755\n", await HostProgram.MustAsync("stat", "-c", "%u %g %a", image.RootFs + "/app/sub/run"));
            Assert.Equal("app.dll", new FileInfo(image.RootFs + "/app/link").LinkTarget);
            Assert.False(File.Exists(image.RootFs + "/app/hidden.log"));
        }

        string digest = (await RunAsync("managed", ["inspect", "--digest", name])).OutputOrThrow();
        Assert.Equal(digest, (await RunAsync("managed", ["inspect", "--digest", "store://" + name])).OutputOrThrow());
        (await RunAsync("managed", ["push", name, $"{machine.Registry}/managed/again:1"])).OutputOrThrow();
        Assert.Equal(digest, (await RunAsync("binary", ["inspect", "--digest", $"{machine.Registry}/managed/again:1"])).OutputOrThrow());
        Assert.Contains("no warnings", (await RunAsync("managed", ["check", context])).OutputOrThrow(), StringComparison.Ordinal);
        string again = (await RunAsync("managed", ["build", "--progress=plain", "-t", name, "--push", context])).Errors;
        Assert.Contains("exporting manifest " + digest.Trim(), again, StringComparison.Ordinal);
        (await RunAsync("managed", ["du"])).OutputOrThrow();
        Assert.Contains("deleted", (await RunAsync("managed", ["prune", "--all"])).OutputOrThrow(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(6, "KIMG5001", "RUN needs kimg's binary for Linux", "--output=type=image")]
    [InlineData(2, "KIMG1007", "cannot do this without libzstd of Linux", "--target=files", "--output=type=oci,dest={0},compression=zstd")]
    [InlineData(2, "KIMG1007", "cannot do this without libc of Linux", "--target=files", "--output=type=local,dest={0}")]
    public async Task What_needs_linux_is_one_error_that_says_where_it_works(int exitCode, string code, string message, params string[] options)
    {
        string context = WriteContext();
        await File.AppendAllTextAsync(Path.Combine(context, "Dockerfile"), "FROM files\nRUN [\"/app/sub/run\"]\n");
        ProgramResult result = await RunAsync("managed", ["build", "--log-format=json", .. options.Select(o => o.Replace("{0}", _directory["out"], StringComparison.Ordinal)), context]);
        Assert.Equal(exitCode, result.ExitCode);
        string error = Assert.Single(result.Errors.Split('\n'), line => line.Contains("\"level\":\"error\"", StringComparison.Ordinal));
        Assert.Contains(code, error, StringComparison.Ordinal);
        Assert.Contains(message, error.Replace("\\u0027", "'", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("job-hostusers.yaml", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_at_once_and_one_that_is_killed_leave_the_state_directory_whole()
    {
        string context = WriteContext();
        await WriteNoiseAsync(Path.Combine(context, "noise"), 40 << 20);
        await File.AppendAllTextAsync(Path.Combine(context, "Dockerfile"), "COPY noise /\n");
        string[] build = ["build", "--iidfile", "{0}", "-t", "local/noise", context];
        using (Process killed = Process.Start(Start(build, _directory["id-of-killed"]))!)
        {
            string ingest = _directory["state-managed/ingest"];
            while (!killed.HasExited && !IsWriting(ingest)) await Task.Yield();
            Assert.False(killed.HasExited);
            killed.Kill();
            await killed.WaitForExitAsync();
        }

        Assert.NotEmpty(Directory.GetFiles(_directory["state-managed/ingest"]));
        using Process first = Process.Start(Start(build, _directory["id-1"]))!, second = Process.Start(Start(build, _directory["id-2"]))!;
        await Task.WhenAll(first.WaitForExitAsync(), second.WaitForExitAsync());
        Assert.Equal((0, 0), (first.ExitCode, second.ExitCode));
        Assert.Equal(await File.ReadAllTextAsync(_directory["id-1"]), await File.ReadAllTextAsync(_directory["id-2"]));
        Assert.Empty(Directory.GetFiles(_directory["state-managed/ingest"]));
        // The binary reads what managed code has written.
        await HostProgram.MustAsync(RepositoryFiles.Kimg, "inspect", "--digest", "--state-dir", _directory["state-managed"], "store://local/noise");
    }

    private static bool IsWriting(string ingest) => Directory.Exists(ingest)
        && Directory.EnumerateFiles(ingest, "x-*").Any(file => new FileInfo(file) is { Exists: true, Length: > 1 << 20 });

    private ProcessStartInfo Start(string[] arguments, string id)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", RepositoryFiles.ManagedKimg, .. arguments.Select(a => a.Replace("{0}", id, StringComparison.Ordinal)), "--progress=quiet"]);
        foreach ((string name, string value) in Variables("managed")) start.Environment[name] = value;
        return start;
    }

    private Task<ProgramResult> RunAsync(string way, string[] arguments) => way == "managed"
        ? HostProgram.RunAsync("dotnet", ["exec", RepositoryFiles.ManagedKimg, .. arguments], Variables(way))
        : HostProgram.RunAsync(RepositoryFiles.Kimg, arguments, Variables(way));

    private Dictionary<string, string> Variables(string way) => new()
    {
        ["KIMG_STATE_DIR"] = _directory["state-" + way], ["SOURCE_DATE_EPOCH"] = "1700000000", ["KIMG_TEST_WITHOUT"] = way == "managed" ? "native" : "",
    };

    private string WriteContext()
    {
        string context = Directory.CreateDirectory(_directory["context"]).FullName;
        Directory.CreateDirectory(Path.Combine(context, "files/sub"));
        File.WriteAllText(Path.Combine(context, "files/app.dll"), "application");
        File.WriteAllText(Path.Combine(context, "files/empty"), "");
        File.WriteAllText(Path.Combine(context, "files/hidden.log"), "");
        File.WriteAllText(Path.Combine(context, "files/sub/run"), "#!/bin/sh\n");
        File.SetUnixFileMode(Path.Combine(context, "files/sub/run"), (UnixFileMode)0b111_000_000);
        File.CreateSymbolicLink(Path.Combine(context, "files/link"), "app.dll");
        File.WriteAllText(Path.Combine(context, ".dockerignore"), "**/*.log\n");
        File.WriteAllText(Path.Combine(context, "Dockerfile"), $"""
            FROM scratch AS group
            COPY --chown=1654:1654 --chmod=u=rwX,go=rX --parents files/./app.dll files/./empty files/./sub files/./link /app/
            FROM {machine.Registry}/dotnet/two:latest AS files
            COPY --link --from=group / /
            WORKDIR /app/work
            ENV A="b c"
            ENTRYPOINT ["/app/app.dll"]

            """);
        return context;
    }

    private static async Task WriteNoiseAsync(string path, int length)
    {
        byte[] noise = new byte[length];
        new Random(7).NextBytes(noise);
        await File.WriteAllBytesAsync(path, noise);
    }
}
