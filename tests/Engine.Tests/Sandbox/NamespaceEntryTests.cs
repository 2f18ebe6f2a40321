using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Sandbox;

/// <summary>src/Cli/nsenter.c by itself, compiled for both architectures; arm64 under qemu, registered in a user namespace of its own.</summary>
public sealed class NamespaceEntryTests : IDisposable
{
    private const string Program = """
        #include <stdio.h>
        #include <unistd.h>
        #include <signal.h>
        int main(int argc, char **argv)
        {
            printf("main %s", getpid() == 1 ? "first" : "other");
            for (int i = 1; i < argc; i++) printf(" %s", argv[i]);
            printf("\n");
            fflush(stdout);
            if (argc > 2) raise(SIGSEGV);
            return 7;
        }
        """;

    private const string Register = """
        mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || exit 99
        printf '%s' ':kimg:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/usr/bin/qemu-aarch64-static:F' >/proc/sys/fs/binfmt_misc/register
        """;

    private readonly string _directory = Directory.CreateTempSubdirectory("kimg-nsenter-").FullName;

    [Theory]
    [InlineData("gcc", "")]
    [InlineData("aarch64-linux-gnu-gcc", Register)]
    public async Task Enters_a_pid_namespace_and_ends_as_its_first_process(string compiler, string prepare)
    {
        string binary = await CompileAsync(compiler);
        const int MountAndPid = 0x20000 + 0x20000000;
        Assert.Equal((7, "main other plain"), await ScriptAsync($"{prepare}\n{binary} plain"));
        Assert.Equal((7, "main first verb"), await ScriptAsync($"{prepare}\n{binary} --nsenter {MountAndPid} -1 -1 $$ verb"));
        Assert.Equal((7, "main other verb"), await ScriptAsync($"{prepare}\n{binary} --nsenter 131072 -1 -1 $$ verb"));
    }

    [Theory]
    [InlineData("gcc", "")]
    [InlineData("aarch64-linux-gnu-gcc", Register)]
    public async Task Says_what_failed_and_does_not_outlive_its_caller(string compiler, string prepare)
    {
        string binary = await CompileAsync(compiler);
        Assert.Equal((125, "kimg: nsenter argument: Invalid argument"), await ScriptAsync($"{prepare}\n{binary} --nsenter none -1 -1 $$ verb"));
        Assert.Equal((125, "kimg: nsenter: Invalid argument"), await ScriptAsync($"{prepare}\n{binary} --nsenter 0"));
        // Another parent than the one that is named: the caller died in between.
        Assert.Equal((125, ""), await ScriptAsync($"{prepare}\n{binary} --nsenter 131072 -1 -1 1 verb"));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private async Task<(int Code, string Output)> ScriptAsync(string text)
    {
        string script = Path.Combine(_directory, "script");
        await File.WriteAllTextAsync(script, text);
        ProgramResult result = await HostProgram.RunAsync("unshare", ["--user", "--map-root-user", "--mount", "bash", script]);
        return (result.ExitCode, (result.Output + result.Errors).TrimEnd('\n'));
    }

    private async Task<string> CompileAsync(string compiler)
    {
        string main = Path.Combine(_directory, "main.c"), binary = Path.Combine(_directory, "program");
        File.WriteAllText(main, Program);
        string nsenter = RepositoryFiles.Path("src/Cli/nsenter.c");
        await HostProgram.MustAsync(compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", "-static", "-O2", "-o", binary, main, nsenter);
        return binary;
    }
}
