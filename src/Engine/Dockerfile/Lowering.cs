using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>What all parts of one lowering share.</summary>
internal sealed class Lowering(FrontendOptions options, IFrontendHost host, BoundDockerfile file, Linter linter)
{
    public const string Scratch = "scratch";

    public FrontendOptions Options { get; } = options;

    public IFrontendHost Host { get; } = host;

    public BoundDockerfile File { get; } = file;

    public Linter Linter { get; } = linter;

    public LoweringBudget Budget { get; } = new();

    /// <summary>Platform arguments and the ARGs before the first FROM.</summary>
    public EnvList GlobalArgs { get; set; } = new();

    public Dictionary<string, string> BuildArgs { get; } = new(options.BuildArgs);

    /// <summary>The first outline: the global arguments.</summary>
    public StageOutline Outline { get; } = new();

    public long? SourceDateEpoch { get; set; }

    /// <summary>Every stage is lowered, not only what the target needs (checks without a target).</summary>
    public bool AllStages { get; init; }

    public System.Collections.Immutable.ImmutableArray<string> ProxyEnv { get; } = SpecialArguments.ProxyEnv(options.BuildArgs);

    /// <summary>What .dockerignore hides; null: nothing.</summary>
    public PatternMatcher? IgnoreMatcher { get; } =
        options.IgnorePatterns is { Length: > 0 } patterns ? PatternMatcher.Create(patterns) : null;

    public Vertex ScratchRoot { get; } = new(new ScratchOp(), [], new VertexMeta("scratch"));

    /// <summary>An expander with the file's escape character.</summary>
    public WordExpander Expander(IVariables variables, SourceSpan span) => new(File.Ast.Escape, variables, Budget) { Span = span };
}
