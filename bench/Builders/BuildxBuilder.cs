using System.Collections.Immutable;
using Kimg.TestKit;

namespace Kimg.Bench.Builders;

/// <summary>BuildKit as most people meet it: <c>docker buildx build</c> and the daemon at DOCKER_HOST.</summary>
/// <param name="prefix">What stands before the command: how a docker that is not on PATH is reached.</param>
internal sealed class BuildxBuilder(ImmutableArray<string> prefix) : Builder
{
    public override string Name => "docker buildx";

    public override ImmutableArray<string> Daemons => ["dockerd", "containerd", "buildkitd"];

    public override async Task<string?> VersionAsync()
    {
        if (await FirstLineAsync("docker", "buildx", "version") is not { } client)
            return null;
        string? server = await FirstLineAsync("docker", "version", "--format", "{{.Server.Version}}");
        return server is null ? null : $"{client.Split(' ')[1]}, docker {server}";
    }

    /// <summary>The build cache goes, and with <c>KIMG_BENCH_EMPTY_DOCKER=1</c> every image too: without that, layers that any image of the daemon has are not
    /// fetched again, and the machine is not empty.</summary>
    public override async Task ForgetAsync()
    {
        if (System.Environment.GetEnvironmentVariable("KIMG_BENCH_EMPTY_DOCKER") == "1") await DockerAsync("image", "prune", "--all", "--force");
        await DockerAsync("builder", "prune", "--all", "--force");
    }

    public override IEnumerable<ImmutableArray<string>> Commands(BuildJob job)
    {
        yield return
        [
            .. prefix, "docker", "buildx", "build", "--progress", "quiet", "--network", "host", "--provenance=false",
            .. job.Options, .. job.Arguments.SelectMany(a => new[] { "--build-arg", $"{a.Name}={a.Value}" }),
            .. job.Output switch
            {
                OciTar tar => ["-o", $"type=oci,dest={tar.Path}"],
                Push push => ["-o", $"type=image,name={push.Name},push=true,oci-mediatypes=true"],
                _ => new[] { "-o", "type=cacheonly" },
            },
            job.Context,
        ];
    }

    private async Task<ProgramResult> DockerAsync(params string[] arguments)
    {
        string[] command = [.. prefix, "docker", .. arguments];
        return await HostProgram.RunAsync(command[0], command[1..]);
    }

    private async Task<string?> FirstLineAsync(params string[] command) => await Found.FirstLineAsync([.. prefix, .. command]);
}
