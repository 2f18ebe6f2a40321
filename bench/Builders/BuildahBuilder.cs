using System.Collections.Immutable;

namespace Kimg.Bench.Builders;

internal sealed class BuildahBuilder(ImmutableArray<string> prefix) : Builder
{
    private const string Local = "localhost/kimg-bench";

    public override string Name => "buildah";

    public override async Task<string?> VersionAsync() => await Found.FirstLineAsync([.. prefix, "buildah", "--version"]);

    public override Task ForgetAsync() => throw new InvalidOperationException("its store is not emptied here");

    public override IEnumerable<ImmutableArray<string>> Commands(BuildJob job)
    {
        yield return
        [
            .. prefix, "buildah", "build", "-q", "--layers", "--jobs", "4", "--runtime", "runc", "--network", "host", "--tls-verify=false",
            .. job.Arguments.SelectMany(a => new[] { "--build-arg", $"{a.Name}={a.Value}" }), "-t", Local, job.Context,
        ];
        if (job.Output is OciTar tar)
            yield return [.. prefix, "buildah", "push", "-q", Local, $"oci-archive:{tar.Path}"];
        if (job.Output is Push push)
            yield return [.. prefix, "buildah", "push", "-q", "--tls-verify=false", Local, $"docker://{push.Name}"];
    }
}
