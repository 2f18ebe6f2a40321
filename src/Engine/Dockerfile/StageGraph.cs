using System.Globalization;
using Kimg.Engine.Graph;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>The stages of a Dockerfile and what they read of each other: names and numbers resolved, base images looked up, ONBUILD triggers of
/// bases put in front.</summary>
internal sealed class StageGraph
{
    private static readonly string[] s_commonImages = ["alpine", "busybox", "centos", "debian", "golang", "ubuntu", "fedora"];

    private readonly Lowering _lowering;
    private readonly Dictionary<string, StageNode> _byName = [];

    private StageGraph(Lowering lowering) => _lowering = lowering;

    /// <summary>In the order of the file, images that only instructions name behind them.</summary>
    public List<StageNode> Nodes { get; } = [];

    public StageNode Target { get; private set; } = null!;

    public HashSet<StageNode> Reachable { get; private set; } = [];

    /// <exception cref="KimgException">UnknownStage, CircularDependency, InvalidExpansion, ImageNotFound, …</exception>
    public static async Task<StageGraph> BuildAsync(Lowering lowering, CancellationToken cancellationToken)
    {
        var graph = new StageGraph(lowering);
        for (int i = 0; i < lowering.File.Stages.Length; i++) await graph.AddStageAsync(lowering.File.Stages[i], i, cancellationToken);
        graph.Target = graph.FindTarget();
        graph.Connect();
        await graph.ResolveAsync(cancellationToken);
        return graph;
    }

    private async Task AddStageAsync(Stage stage, int index, CancellationToken cancellationToken)
    {
        FromInstruction from = stage.From;
        Linter lint = _lowering.Linter.For(from.Text.Comments);
        WordExpander expander = _lowering.Expander(_lowering.GlobalArgs, from.Span);
        string baseName = expander.Expand(from.BaseName);
        HashSet<string> used = [.. expander.Matched];
        StageLints.ReportUndeclared(_lowering, expander.Unmatched, from.Span, lint);
        if (baseName.Length == 0)
        {
            throw new KimgException(ErrorCode.InvalidInstruction, $"the base name '{from.BaseName}' is blank")
            {
                Hint = "give the ARG before the first FROM a default, or pass --build-arg", Span = from.Span,
            };
        }

        var node = new StageNode(from) { BaseName = baseName, Outline = _lowering.Outline.Clone() };
        if (from.Platform is not null) node.Platform = StagePlatform(from, used, lint);
        if (from.Name is not null && await FindContextAsync(from.Name, node.Platform, cancellationToken) is { } context)
        {
            node.NamedContext = context;
            Add(node);
            node.Base = null;
            return;
        }

        if (from.Name is null) node.DisplayName = string.Create(CultureInfo.InvariantCulture, $"stage-{index}");
        Add(node);
        node.Outline.Used.UnionWith(used);
        node.StepCount = (baseName != Lowering.Scratch && node.Base is null ? 1 : 0)
            + stage.Instructions.Count(i => i is TransferInstruction or RunInstruction or WorkdirInstruction);
        FrontendOptions options = _lowering.Options;
        node.IgnoreCache = options.NoCacheFilter.IsEmpty
            ? options.NoCache
            : options.NoCacheFilter.Contains(from.Name ?? "", StringComparer.OrdinalIgnoreCase);
    }

    private Platform StagePlatform(FromInstruction from, HashSet<string> used, Linter lint)
    {
        WordExpander expander = _lowering.Expander(_lowering.GlobalArgs, from.Span);
        string text = expander.Expand(from.Platform!);
        used.UnionWith(expander.Matched);
        StageLints.ReportUndeclared(_lowering, expander.Unmatched, from.Span, lint);
        StageLints.ReportPlatform(_lowering, from, text, expander, lint);
        string? near = expander.Unmatched.Select(u => Suggestion.Nearest(u, _lowering.GlobalArgs.Names)).FirstOrDefault(s => s is not null);
        string? hint = near is null ? null : $"did you mean ${near}?";
        if (text.Length == 0)
        {
            throw new KimgException(ErrorCode.InvalidInstruction, $"the platform '{from.Platform}' is empty")
            {
                Hint = hint ?? "write --platform=linux/amd64 or --platform=$BUILDPLATFORM", Span = from.Span,
            };
        }

        try
        {
            return Platform.Parse(text);
        }
        catch (KimgException invalid)
        {
            throw new KimgException(SourceSpans.InDockerfile(invalid.Code), invalid.Message, invalid)
            {
                Hint = hint ?? invalid.Hint, Span = SourceSpans.Locate(from.Span, from.Platform!),
            };
        }
    }

    private void Add(StageNode node)
    {
        Nodes.Add(node);
        // Not in other letters: FROM BASE is an image (which no image is called), COPY --from=BASE the stage.
        if (_byName.TryGetValue(node.BaseName, out StageNode? earlier))
        {
            node.Base = earlier;
            node.Outline = earlier.Outline.Clone();
        }

        if (!node.IsImage && node.From.Name is not null) _byName[node.From.Name] = node;
    }

    private StageNode FindTarget()
    {
        if (_lowering.Options.Target is not { Length: > 0 } target) return Nodes[^1];
        if (_byName.TryGetValue(target.ToLowerInvariant(), out StageNode? named)) return named;
        throw new KimgException(ErrorCode.UnknownStage, $"target stage '{target}' could not be found") { Hint = NearStage(target) };
    }

    private string NearStage(string name) =>
        Suggestion.Nearest(name, Nodes.Select(n => n.DisplayName)) is { } near ? $"did you mean '{near}'?"
            : _byName.Count > 0 ? $"the stages are {string.Join(", ", _byName.Keys.Order(StringComparer.Ordinal))}" : "no stage has a name";

    private void Connect()
    {
        for (int i = 0; i < _lowering.File.Stages.Length; i++)
        {
            foreach (Instruction instruction in _lowering.File.Stages[i].Instructions)
                Nodes[i].Commands.Add(Link(Nodes[i], instruction, isOnBuild: false));
        }

        CheckCircles();
        if (Nodes.Count == 1) Nodes[0].DisplayName = "";
    }

    private BoundCommand Link(StageNode node, Instruction instruction, bool isOnBuild)
    {
        IReadOnlyList<StageNode?> sources = instruction switch
        {
            CopyInstruction { From.Length: > 0 } copy => [CopySource(copy)],
            RunInstruction run => [.. run.MountSources.Select(s => s is null ? null : Find(s, run))],
            _ => [],
        };
        foreach (StageNode source in sources.OfType<StageNode>()) node.Dependencies.TryAdd(source, instruction.Span);
        return new BoundCommand(instruction, sources, isOnBuild);
    }

    private StageNode CopySource(CopyInstruction copy)
    {
        WordExpander expander = _lowering.Expander(EmptyVariables.Instance, copy.Span);
        if (expander.Expand(copy.From) != copy.From)
        {
            throw new KimgException(ErrorCode.InvalidInstruction, "variable expansion is not supported for --from")
            {
                Hint = "define a stage with FROM $NAME AS name, the ARG before the first FROM, and copy from that",
                Span = SourceSpans.Locate(copy.Span, "--from"),
            };
        }

        if (!int.TryParse(copy.From, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int index)) return Find(copy.From, copy);
        return index >= 0 && index < Nodes.Count ? Nodes[index] : throw new KimgException(ErrorCode.UnknownStage, $"invalid stage index {index}")
        {
            Hint = $"the Dockerfile has stages 0 to {_lowering.File.Stages.Length - 1}", Span = SourceSpans.Locate(copy.Span, "--from"),
        };
    }

    /// <summary>The stage of a name, or a new node for the image or context of that name.</summary>
    private StageNode Find(string name, Instruction user)
    {
        if (_byName.TryGetValue(name.ToLowerInvariant(), out StageNode? stage)) return stage;
        var image = new StageNode(new FromInstruction(user.Text, name, null, null)) { IsImage = true };
        Add(image);
        return image;
    }

    private void CheckCircles()
    {
        var done = new HashSet<StageNode>();
        foreach (StageNode start in Nodes)
        {
            var path = new List<StageNode>();
            var pending = new Stack<(StageNode Node, IEnumerator<KeyValuePair<StageNode, SourceSpan>> Next)>();
            Enter(start);
            while (pending.TryPeek(out var top))
            {
                if (!top.Next.MoveNext())
                {
                    pending.Pop();
                    path.Remove(top.Node);
                    continue;
                }

                (StageNode next, SourceSpan span) = top.Next.Current;
                if (path.Contains(next))
                {
                    throw new KimgException(ErrorCode.CircularDependency, $"circular dependency detected on stage '{next.DisplayName}'")
                    {
                        Hint = "a stage cannot read from itself or from one that reads from it", Span = span,
                    };
                }

                Enter(next);
            }

            void Enter(StageNode node)
            {
                if (!done.Add(node)) return;
                path.Add(node);
                pending.Push((node, node.Dependencies.ToList().GetEnumerator()));
            }
        }
    }

    private async Task ResolveAsync(CancellationToken cancellationToken)
    {
        for (bool found = true; found;)
        {
            Reachable = Target.Reachable();
            StageNode[] pending = [.. Nodes.Where(n => n.Base is null && !n.Resolved && IsWanted(n))];
            await Task.WhenAll(pending.Select(n => ResolveBaseAsync(n, cancellationToken)));
            found = false;
            foreach (StageNode node in Nodes.Where(IsWanted).ToList()) found |= TakeTriggers(node);
        }
    }

    /// <summary>Gives a stage what the stage it is built on ends with.</summary>
    public void Inherit(StageNode node)
    {
        if (node.Base is not { } parent) return;
        (node.Root, node.Platform, node.WorkdirSet) = (parent.Root, parent.Platform, parent.WorkdirSet);
        node.Image = parent.Image!.Clone();
        node.Image.OnBuild.Clear();
        node.Env = parent.Env.Clone();
        node.WorkingDirectory = parent.WorkingDirectory;
        node.BuildArgs.AddRange(parent.BuildArgs);
    }

    public bool IsWanted(StageNode node) => _lowering.AllStages || Reachable.Contains(node);

    private async Task ResolveBaseAsync(StageNode node, CancellationToken cancellationToken)
    {
        node.Resolved = true;
        node.Lowered = node.IsImage;
        Platform platform = node.Platform ?? _lowering.Options.Platform;
        try
        {
            if (node.NamedContext is { } named)
            {
                UseContext(node, named, node.Platform ?? platform);
                node.Lowered = true;
            }
            else if (node.BaseName == Lowering.Scratch)
            {
                (node.Root, node.Image, node.Platform) = (_lowering.ScratchRoot, ImageDraft.Empty(_lowering.Options.Platform), _lowering.Options.Platform);
            }
            else if (await FindContextAsync(node.BaseName, platform, cancellationToken) is { } context)
            {
                UseContext(node, context, platform);
            }
            else
            {
                await ResolveImageAsync(node, platform, cancellationToken);
            }
        }
        catch (KimgException error) when (error.Span is null)
        {
            string? near = error.Code is ErrorCode.ImageNotFound or ErrorCode.InvalidReference or ErrorCode.AccessDenied or ErrorCode.AuthenticationFailed
                ? Suggestion.Nearest(node.From.BaseName, Nodes.Where(n => !n.IsImage).Select(n => n.DisplayName).Concat(s_commonImages))
                : null;
            throw new KimgException(SourceSpans.InDockerfile(error.Code), error.Message, error)
            {
                Hint = near is null ? error.Hint : $"did you mean '{near}'?", Span = SourceSpans.Locate(node.Span, node.From.BaseName),
            };
        }
    }

    private static void UseContext(StageNode node, NamedContext context, Platform platform)
    {
        (node.Root, node.Platform) = (context.Root, platform);
        node.Image = context.Config is null ? ImageDraft.Empty(platform) : new ImageDraft(context.Config);
        if (node.NamedContext is not null && context.Config is { Os.Length: > 0, Architecture.Length: > 0 } config)
            node.Platform = Platform.Normalize(config.Os, config.Architecture, config.Variant) with { OsVersion = config.OsVersion };
    }

    private async Task ResolveImageAsync(StageNode node, Platform platform, CancellationToken cancellationToken)
    {
        ResolvedImage resolved = await _lowering.Host.ResolveImageAsync(ImageReference.Parse(node.BaseName), platform, cancellationToken);
        ImageConfig config = resolved.Config;
        if (node.Platform is null && _lowering.Options.PlatformIsImplicit && _lowering.Options.BuildPlatform.Os == config.Os
            && _lowering.Options.BuildPlatform.Architecture == config.Architecture)
        {
            platform = _lowering.Options.BuildPlatform;
        }

        node.BaseImage = resolved;
        node.Image = new ImageDraft(config);
        node.Platform = platform;
        ImageReference reference = resolved.Reference with { Digest = resolved.Digest };
        string written = node.BaseName;
        node.BaseName = reference.ToString();
        bool isEmpty = (config.Rootfs?.DiffIds.Length ?? 0) == 0 && (config.History ?? []).All(h => h.EmptyLayer == true);
        node.Root = isEmpty ? _lowering.ScratchRoot : new Vertex(
            new ImageSourceOp(reference.ToString(), platform, resolved.Digest), [],
            new VertexMeta(StepName.Of(node, _lowering.Options, "FROM " + reference, EmptyVariables.Instance)) { Span = node.Span, Stage = node.DisplayName });
        StageLints.ReportBasePlatform(written, platform, config, node.Span, _lowering.Linter);
    }

    private async Task<NamedContext?> FindContextAsync(string name, Platform? platform, CancellationToken cancellationToken) =>
        name.Equals(Lowering.Scratch, StringComparison.OrdinalIgnoreCase) || name.Equals("context", StringComparison.OrdinalIgnoreCase)
            ? null
            : await _lowering.Host.FindNamedContextAsync(name, platform ?? _lowering.Options.Platform, cancellationToken);

    /// <summary>Puts the triggers a base left in front of the stage's own instructions. True when they read something new.</summary>
    private bool TakeTriggers(StageNode node)
    {
        List<string> triggers = node.Base is null ? [.. node.Image?.OnBuild ?? []] : [];
        if (node.Base is { } parent && !node.OnBuildTaken)
            triggers.AddRange(parent.Commands.Select(c => c.Instruction).OfType<OnBuildInstruction>().Select(o => o.Trigger));
        node.OnBuildTaken = true;
        node.Image?.OnBuild.Clear();
        if (triggers.Count == 0) return false;
        var commands = new List<BoundCommand>();
        foreach (string trigger in triggers) commands.Add(Link(node, ParseTrigger(trigger, node), isOnBuild: true));
        node.Commands.InsertRange(0, commands);
        node.StepCount += commands.Count;
        return commands.Any(c => c.Sources.Any(s => s is not null));
    }

    private static Instruction ParseTrigger(string trigger, StageNode node)
    {
        try
        {
            DockerfileAst ast = DockerfileParser.Parse(trigger, node.Span.File);
            if (ast.Nodes is not [var only])
                throw new KimgException(ErrorCode.InvalidInstruction, $"the ONBUILD trigger '{trigger}' is not a single instruction");
            Instruction instruction = new InstructionBinder(Linter.Silent).Bind(only with { Span = node.Span });
            return instruction is FromInstruction
                ? throw new KimgException(ErrorCode.InvalidInstruction, "FROM is not allowed as an ONBUILD trigger")
                : instruction;
        }
        catch (KimgException error)
        {
            throw new KimgException(error.Code, $"in an ONBUILD trigger of the base: {error.Message}", error) { Hint = error.Hint, Span = node.Span };
        }
    }
}
