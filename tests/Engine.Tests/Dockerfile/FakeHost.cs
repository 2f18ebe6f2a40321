using System.Collections.Immutable;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Graph;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Tests.Dockerfile;

/// <summary>Images and named contexts from tables; an unknown image has one layer, PATH and CMD ["sh"].</summary>
internal sealed class FakeHost : IFrontendHost
{
    public Dictionary<string, ImageConfig> Images { get; } = [];

    public Dictionary<string, NamedContext> Contexts { get; } = [];

    /// <summary>References that were asked for, in order.</summary>
    public List<string> Resolved { get; } = [];

    public static ImageConfig DefaultConfig { get; } = new()
    {
        Os = "linux",
        Architecture = "amd64",
        Created = DateTimeOffset.UnixEpoch,
        Rootfs = new RootFs { DiffIds = [Digest.Sha256("layer")] },
        Config = new ContainerConfig { Env = [$"PATH={ImageDraft.DefaultPath}"], Cmd = ["sh"] },
        History = [new HistoryEntry { CreatedBy = "base layer" }],
    };

    public Task<ResolvedImage> ResolveImageAsync(ImageReference reference, Platform platform, CancellationToken cancellationToken)
    {
        lock (Resolved) Resolved.Add(reference.ToString());
        if (reference.Repository.StartsWith("missing", StringComparison.Ordinal) || reference.Repository.StartsWith("library/missing", StringComparison.Ordinal))
            throw new KimgException(ErrorCode.ImageNotFound, $"no image '{reference}'") { Hint = "check its name" };
        ImageConfig config = Images.GetValueOrDefault(reference.Familiar) ?? DefaultConfig with { Architecture = platform.Architecture, Os = platform.Os };
        return Task.FromResult(new ResolvedImage(reference, Digest.Sha256($"{reference} {platform}"), config));
    }

    public Task<NamedContext?> FindNamedContextAsync(string name, Platform platform, CancellationToken cancellationToken) =>
        Task.FromResult(Contexts.GetValueOrDefault(name));

    public static FrontendOptions Options { get; } = new()
    {
        Platform = new Platform("linux", "amd64"),
        BuildPlatform = new Platform("linux", "amd64"),
        Context = new Vertex(new LocalSourceOp("context"), [], new VertexMeta("[internal] load build context")),
    };

    public static Task<FrontendResult> LowerAsync(string dockerfile, FrontendOptions? options = null, FakeHost? host = null) =>
        DockerfileFrontend.LowerAsync(dockerfile, "Dockerfile", options ?? Options, host ?? new FakeHost(), CancellationToken.None);
}
