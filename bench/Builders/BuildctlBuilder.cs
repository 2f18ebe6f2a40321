using System.Collections.Immutable;

namespace Kimg.Bench.Builders;

/// <summary>BuildKit without docker: <c>buildctl</c> and a running buildkitd (BUILDKIT_HOST).</summary>
internal sealed class BuildctlBuilder(ImmutableArray<string> prefix) : Builder
{
    public override string Name => "buildctl";

    public override ImmutableArray<string> Daemons => ["buildkitd"];

    public override async Task<string?> VersionAsync() =>
        await Found.FirstLineAsync([.. prefix, "buildctl", "debug", "workers"]) is null ? null : await Found.FirstLineAsync([.. prefix, "buildctl", "--version"]);

    public override Task ForgetAsync() => throw new InvalidOperationException("its store is not emptied here");

    public override IEnumerable<ImmutableArray<string>> Commands(BuildJob job)
    {
        ImmutableArray<string> output = job.Output switch
        {
            OciTar tar => ["--output", $"type=oci,dest={tar.Path}"],
            Push push => ["--output", $"type=image,name={push.Name},push=true,oci-mediatypes=true,registry.insecure=true"],
            _ => [],
        };
        yield return
        [
            .. prefix, "buildctl", "build", "--progress", "none", "--frontend", "dockerfile.v0",
            "--local", $"context={job.Context}", "--local", $"dockerfile={job.Context}",
            .. job.Arguments.SelectMany(a => new[] { "--opt", $"build-arg:{a.Name}={a.Value}" }), .. output,
        ];
    }
}
