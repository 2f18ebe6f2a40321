using Kimg.Cli.Tests.Surroundings;
using Xunit;

namespace Kimg.Cli.Tests.Options;

/// <summary>Each bad value → exit code 2, code, and what the message says.</summary>
public sealed class BadOptionTests : IDisposable
{
    private readonly TestHost _host = new();

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData("--taag x", "KIMG1001", "did you mean '--tag'?")]
    [InlineData("-z", "KIMG1001", "unknown option '-z'")]
    [InlineData("--tag", "KIMG1001", "option '--tag' needs a value")]
    [InlineData("--push=maybe", "KIMG1001", "invalid value 'maybe' for --push")]
    [InlineData("-t a/B", "KIMG1003", "lower case")]
    [InlineData("-t a@sha256:0000000000000000000000000000000000000000000000000000000000000000", "KIMG1003", "named by digest")]
    [InlineData("--expect a:1", "KIMG1003", "--expect a:1: there is no digest")]
    [InlineData("--expect a@sha256:0", "KIMG1003", "a@sha256:0")]
    [InlineData("--platform linux//amd64", "KIMG1002", "linux//amd64")]
    [InlineData("--build-arg =x", "KIMG1001", "the name is empty")]
    [InlineData("--label =x", "KIMG1001", "the key is empty")]
    [InlineData("--annotation novalue", "KIMG1001", "not KEY=VALUE")]
    [InlineData("--annotation idnex:a=b", "KIMG1001", "did you mean 'index'?")]
    [InlineData("--annotation index[linux/amd64]:a=b", "KIMG1001", "an index has no platform")]
    [InlineData("--secret src=x", "KIMG1010", "id= is missing")]
    [InlineData("--secret id=nowhere", "KIMG1010", "there is no file")]
    [InlineData("--secret id=a,evn=B", "KIMG1010", "did you mean 'env'?")]
    [InlineData("--secret id", "KIMG1010", "not key=value")]
    [InlineData("--ssh default", "KIMG1010", "SSH_AUTH_SOCK")]
    [InlineData("--ssh default=/nonexistent/key", "KIMG1010", "no socket or key")]
    [InlineData("--add-host db", "KIMG1001", "not HOST:IP")]
    [InlineData("--add-host db:10.0.0.300", "KIMG1001", "not an IP address")]
    [InlineData("--add-host h:host-gateway", "KIMG1007", "host-gateway")]
    [InlineData("--ulimit nofiles=1", "KIMG1001", "did you mean 'nofile'?")]
    [InlineData("--ulimit nofile=5:2", "KIMG1001", "above the hard limit")]
    [InlineData("--ulimit nofile=x", "KIMG1001", "'x' is not a limit")]
    [InlineData("--shm-size 5q", "KIMG1001", "unknown unit 'q'")]
    [InlineData("--shm-size=99999999999p", "KIMG1001", "is not a size")]
    [InlineData("--network bridge", "KIMG1001", "default, none, host")]
    [InlineData("--allow security.insecre", "KIMG1001", "did you mean 'security.insecure'?")]
    [InlineData("--allow device", "KIMG1007", "--allow device")]
    [InlineData("--progress=ttyy", "KIMG1001", "did you mean 'tty'?")]
    [InlineData("--isolation=chroot", "KIMG1001", "auto, root, userns")]
    [InlineData("--max-parallelism 0", "KIMG1001", "above 0")]
    [InlineData("--registry-mirror =x", "KIMG1001", "[REGISTRY=]MIRROR")]
    [InlineData("--build-context x", "KIMG1001", "not NAME=VALUE")]
    [InlineData("--build-context x=nowhere", "KIMG1008", "nowhere")]
    [InlineData("--build-context x=oci-layout://nowhere", "KIMG1001", "no OCI layout")]
    [InlineData("--build-context x=target:y", "KIMG1001", "bake")]
    [InlineData("--builder b", "KIMG1007", "leave it out")]
    [InlineData("--cache-from type=registry", "KIMG1006", "ref= is missing")]
    [InlineData("--cache-from type=inline", "KIMG1006", "type=registry,ref=")]
    [InlineData("--cache-from type=locl,src=x", "KIMG1006", "did you mean 'local'?")]
    [InlineData("--cache-from type=gha,skope=a", "KIMG1006", "did you mean 'scope'?")]
    [InlineData("--cache-from type=gha,timeout=5y", "KIMG1006", "not a duration")]
    [InlineData("--cache-from type=gha,url=x", "KIMG1006", "no http or https address")]
    [InlineData("--cache-to type=gha,url=https://x,token=t,mode=max,skope=a", "KIMG1006", "did you mean 'scope'?")]
    [InlineData("--cache-to type=gha,url=https://x,token=t,timeout=5y", "KIMG1006", "not a duration")]
    [InlineData("--cache-from type=s3,region=r", "KIMG1006", "add bucket=")]
    [InlineData("--cache-from type=s3,region=r,bucket=b,access_key_id=x", "KIMG1006", "go together")]
    [InlineData("--cache-from type=azblob", "KIMG1006", "add account_url=")]
    [InlineData("--cache-from type=azblob,account_url=ftp://x", "KIMG1006", "no http or https address")]
    [InlineData("--emulator /nowhere/qemu", "KIMG1001", "qemu-user-static")]
    [InlineData("--emulator /bin/bash", "KIMG1001", "dynamically linked")]
    [InlineData("--emulator arm64=/etc/passwd", "KIMG1001", "not executable")]
    [InlineData("--cache-from a,b", "KIMG1006", "give the option once")]
    [InlineData("--cache-to type=registry,ref=r,mode=all", "KIMG1006", "min (what is in the image)")]
    [InlineData("--cache-to type=inline,mode=max", "KIMG1006", "type=registry,mode=max")]
    [InlineData("--cache-to type=local,dest=d,oci-mediatypes=false,image-manifest=true", "KIMG1006", "needs OCI media types")]
    [InlineData("--cache-to type=local,dest=d,compresion=zstd", "KIMG1006", "did you mean 'compression'?")]
    [InlineData("--cache-to type=local,dest=d,compression-level=x", "KIMG1006", "is not a compression level")]
    [InlineData("--cgroup-parent c", "KIMG1007", "systemd-run")]
    [InlineData("--policy p", "KIMG1007", "--policy")]
    [InlineData("--resource memory=1", "KIMG1007", "systemd-run")]
    [InlineData("--provenance=true", "KIMG1007", "--provenance=false")]
    [InlineData("--provenance=mode=max", "KIMG1007", "--provenance=false")]
    [InlineData("--sbom=true", "KIMG1007", "--sbom=false")]
    [InlineData("--attest type=sbom", "KIMG1007", "disabled=true")]
    [InlineData("--load", "KIMG1007", "docker load")]
    [InlineData("--call=chekc", "KIMG1001", "did you mean 'check'?")]
    [InlineData("-f https://example.com/Dockerfile", "KIMG1007", "curl")]
    [InlineData("extra", "KIMG1001", "unexpected argument")]
    public async Task Is_refused_with_a_reason(string options, string code, string message)
    {
        Assert.Equal(2, await _host.RunAsync(options == "--tag" ? ["build", ".", "--tag"] : ["build", .. options.Split(' '), "."]));
        Assert.Contains(code, _host.Error, StringComparison.Ordinal);
        Assert.Contains(message, _host.Error, StringComparison.Ordinal);
        Assert.Empty(_host.Output);
        Assert.Null(_host.Engine.Request);
    }

    [Theory]
    [InlineData("nowhere", "KIMG1008", "there is no context directory 'nowhere'")]
    [InlineData("a-file", "KIMG1008", "is a file")]
    public async Task A_context_that_is_none(string context, string code, string message)
    {
        _host.Write("a-file", "");
        Assert.Equal(2, await _host.RunAsync("build", context));
        Assert.Contains(code, _host.Error, StringComparison.Ordinal);
        Assert.Contains(message, _host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stdin_can_be_used_once_only()
    {
        Assert.Equal(2, await _host.RunAsync("build", "-f", "-", "-"));
        _host.Input = "FROM scratch"u8.ToArray();
        Assert.Equal(2, await _host.RunAsync("build", "-f", "Dockerfile", "-"));
        Assert.Contains("--file names another", _host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_terminal_is_neither_a_context_nor_a_place_for_archives()
    {
        (_host.InputIsTerminal, _host.OutputIsTerminal) = (true, true);
        Assert.Equal(2, await _host.RunAsync("build", "-"));
        Assert.Contains("which is a terminal", _host.Error, StringComparison.Ordinal);
        Assert.Equal(2, await _host.RunAsync("build", "-o", "-", "."));
        Assert.Contains("not written to a terminal", _host.Error, StringComparison.Ordinal);
    }
}
