using System.Collections.Immutable;
using Kimg.TestKit;

namespace Kimg.Bench.Builders;

internal sealed class KimgBuilder(string binary, string stateDirectory) : Builder
{
    private int _machines;

    private string State => _machines == 0 ? stateDirectory : $"{stateDirectory}-{_machines}";

    public override string Name => "kimg";

    public override async Task<string?> VersionAsync() => (await HostProgram.MustAsync(binary, "version")).Split('\n')[0].Trim();

    /// <summary>An empty machine is a state directory of another name. Removing the old one now would be measured: ext4 searches long for inodes that
    /// were not freed a moment ago.</summary>
    public override Task ForgetAsync()
    {
        _machines++;
        return Task.CompletedTask;
    }

    public override IEnumerable<ImmutableArray<string>> Commands(BuildJob job)
    {
        yield return
        [
            binary, "build", "--progress", "none", "--state-dir", State,
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
