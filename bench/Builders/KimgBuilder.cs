using System.Collections.Immutable;
using Kimg.TestKit;

namespace Kimg.Bench.Builders;

internal sealed class KimgBuilder(string binary, string stateDirectory) : Builder
{
    public override string Name => "kimg";

    public override async Task<string?> VersionAsync() => (await HostProgram.MustAsync(binary, "version")).Split('\n')[0].Trim();

    // With its own ids: steps leave files that only kimg may remove.
    public override async Task ForgetAsync()
    {
        await HostProgram.MustAsync(binary, "prune", "--all", "--state-dir", stateDirectory);
        Workbench.Remove(stateDirectory);
    }

    public override IEnumerable<ImmutableArray<string>> Commands(BuildJob job)
    {
        yield return
        [
            binary, "build", "--progress", "none", "--state-dir", stateDirectory,
            .. job.Options, .. job.Arguments.SelectMany(a => new[] { "--build-arg", $"{a.Name}={a.Value}" }),
            .. job.Output switch
            {
                OciTar tar => ["-o", $"type=oci,dest={tar.Path}"],
                Push push => ["-t", push.Name, "--push"],
                _ => new[] { "-o", "type=cacheonly" },
            },
            job.Context,
        ];
    }
}
