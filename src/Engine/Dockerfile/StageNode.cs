using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>An instruction of a stage with the stages or images it reads, in the order of its mounts (null: none there).</summary>
internal sealed record BoundCommand(Instruction Instruction, IReadOnlyList<StageNode?> Sources, bool IsOnBuild);

/// <summary>A variable ARG declared: the value it got, or null.</summary>
internal sealed record BuildArgument(string Key, string? Value);

/// <summary>A stage, or an image that only COPY --from or a mount names, while it is lowered. Mutable; lives for one lowering.</summary>
internal sealed class StageNode(FromInstruction from)
{
    public FromInstruction From { get; } = from;

    /// <summary>The name or image behind FROM, expanded; after resolution the full image reference.</summary>
    public string BaseName { get; set; } = from.BaseName;

    /// <summary>As progress shows it: the name, or <c>stage-N</c>; empty when there is only one stage.</summary>
    public string DisplayName { get; set; } = from.Name ?? "";

    public SourceSpan Span => From.Span;

    /// <summary>The stage it is built on.</summary>
    public StageNode? Base { get; set; }

    /// <summary>What its instructions read, with where.</summary>
    public Dictionary<StageNode, SourceSpan> Dependencies { get; } = [];

    public List<BoundCommand> Commands { get; } = [];

    public NamedContext? NamedContext { get; set; }

    /// <summary>Not a stage of the file.</summary>
    public bool IsImage { get; init; }

    public bool Resolved { get; set; }

    public bool Lowered { get; set; }

    public bool OnBuildTaken { get; set; }

    public bool IgnoreCache { get; set; }

    public Platform? Platform { get; set; }

    public ResolvedImage? BaseImage { get; set; }

    public Vertex? Root { get; set; }

    public ImageDraft? Image { get; set; }

    public EnvList Env { get; set; } = new();

    public string WorkingDirectory { get; set; } = "/";

    public List<BuildArgument> BuildArgs { get; } = [];

    /// <summary>Arguments, secrets and agents it uses, for the outline.</summary>
    public StageOutline Outline { get; set; } = new();

    public int StepCount { get; set; }

    public int Step { get; set; }

    public bool WorkdirSet { get; set; }

    /// <summary>The last of its kind, for the rule that there be one only and for CMD's reset.</summary>
    public SourceSpan? Cmd { get; set; }

    public SourceSpan? Entrypoint { get; set; }

    public SourceSpan? Healthcheck { get; set; }

    public bool ScanContext { get; set; }

    public bool ScanStage { get; set; }

    /// <summary>It and everything it needs.</summary>
    public HashSet<StageNode> Reachable()
    {
        var found = new HashSet<StageNode>();
        var pending = new Stack<StageNode>([this]);
        while (pending.TryPop(out StageNode? node))
        {
            if (!found.Add(node)) continue;
            if (node.Base is not null) pending.Push(node.Base);
            foreach (StageNode dependency in node.Dependencies.Keys) pending.Push(dependency);
        }

        return found;
    }
}
