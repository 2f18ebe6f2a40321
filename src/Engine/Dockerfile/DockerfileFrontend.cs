using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>The Dockerfile language: text in, graph and image configuration out.</summary>
internal static class DockerfileFrontend
{
    /// <exception cref="KimgException">Every 2xxx code, with the place; what the host throws for images; EntitlementNeeded; UnsupportedFeature.</exception>
    public static Task<FrontendResult> LowerAsync(
        ReadOnlyMemory<byte> dockerfile, string fileName, FrontendOptions options, IFrontendHost host, CancellationToken cancellationToken) =>
        LowerAsync(PathText.Decode(dockerfile.Span), fileName, options, host, cancellationToken);

    /// <inheritdoc cref="LowerAsync(ReadOnlyMemory{byte}, string, FrontendOptions, IFrontendHost, CancellationToken)"/>
    public static async Task<FrontendResult> LowerAsync(
        string dockerfile, string fileName, FrontendOptions options, IFrontendHost host, CancellationToken cancellationToken)
    {
        Linter linter = CreateLinter(dockerfile, fileName, options);
        (Lowering lowering, StageGraph graph) = await RunAsync(dockerfile, fileName, options, host, linter, allStages: false, cancellationToken);
        linter.ThrowIfErrors();
        StageNode target = graph.Target;
        ImageDraft image = target.Image!;
        foreach ((string name, string value) in options.Labels) image.Labels[name] = value;
        return new FrontendResult
        {
            Root = target.Root!,
            Config = WithPlatform(image.ToConfig(), options),
            Warnings = linter.Warnings,
            BaseImage = BaseOf(target),
            Stages = [.. graph.Nodes.Where(n => !n.IsImage && graph.Reachable.Contains(n)).Select(n => n.From.Name ?? n.DisplayName)],
            SourceDateEpoch = lowering.SourceDateEpoch,
            ScanContext = target.ScanContext,
            ScanStages = [.. graph.Nodes.Where(n => n != target && n.ScanStage && graph.Reachable.Contains(n)).Select(n => new ScanTarget(n.DisplayName, n.Root!))],
        };
    }

    /// <summary>Looks for problems without building (--call=check): every stage, or only what the target needs when there is one. A Dockerfile that would
    /// not build is a result, not an exception.</summary>
    public static async Task<CheckResult> CheckAsync(
        string dockerfile, string fileName, FrontendOptions options, IFrontendHost host, CancellationToken cancellationToken)
    {
        KimgException? error = null;
        Linter linter = Linter.Silent;
        try
        {
            linter = CreateLinter(dockerfile, fileName, options);
            await RunAsync(dockerfile, fileName, options, host, linter, allStages: string.IsNullOrEmpty(options.Target), cancellationToken);
            linter.ThrowIfErrors();
        }
        catch (KimgException failed)
        {
            error = failed;
        }

        return new CheckResult(linter.Warnings, error) { FileName = fileName, Source = new SourceText(dockerfile) };
    }

    /// <summary>What the target takes from its caller (--call=outline).</summary>
    /// <exception cref="KimgException">As <see cref="LowerAsync(string, string, FrontendOptions, IFrontendHost, CancellationToken)"/>.</exception>
    public static async Task<DockerfileOutline> OutlineAsync(
        string dockerfile, string fileName, FrontendOptions options, IFrontendHost host, CancellationToken cancellationToken)
    {
        (_, StageGraph graph) = await RunAsync(dockerfile, fileName, options, host, Linter.Silent, allStages: false, cancellationToken);
        return DockerfileOutline.Of(graph.Target, new SourceText(dockerfile));
    }

    private static async Task<(Lowering Lowering, StageGraph Graph)> RunAsync(
        string dockerfile, string fileName, FrontendOptions options, IFrontendHost host, Linter linter, bool allStages, CancellationToken cancellationToken)
    {
        FrontendSelection.Check(dockerfile, fileName, options.BuildArgs);
        DockerfileAst ast = DockerfileParser.Parse(dockerfile, fileName);
        BoundDockerfile file = InstructionBinder.Bind(ast, linter);
        StageLints.CheckFile(file, linter);
        var lowering = new Lowering(options, host, file, linter) { AllStages = allStages };
        GlobalScope.Build(lowering);
        await EpochResolver.ResolveAsync(lowering, cancellationToken);
        StageGraph graph = await StageGraph.BuildAsync(lowering, cancellationToken);
        foreach (StageNode node in graph.Nodes.Where(n => graph.IsWanted(n) && !n.Lowered).ToList())
        {
            cancellationToken.ThrowIfCancellationRequested();
            graph.Inherit(node);
            new StageLowering(lowering, node).Run();
        }

        return (lowering, graph);
    }

    private static Linter CreateLinter(string dockerfile, string fileName, FrontendOptions options)
    {
        if (options.BuildArgs.TryGetValue(SpecialArguments.Check, out string? given)) return new Linter(LintConfig.Parse(given, null));
        if (ParserDirective.Find(dockerfile, ParserDirective.Check) is not { } directive) return new Linter(LintConfig.Default);
        var span = new SourceSpan(fileName, directive.Line, 1, directive.Line, 1) { Source = new SourceText(dockerfile) };
        return new Linter(LintConfig.Parse(directive.Value.Split(' ')[0], span));
    }

    private static ResolvedImage? BaseOf(StageNode node)
    {
        while (node.Base is not null) node = node.Base;
        return node.BaseImage;
    }

    private static ImageConfig WithPlatform(ImageConfig config, FrontendOptions options)
    {
        Platform platform = options.Platform;
        if (!options.PlatformIsImplicit)
        {
            bool same = config.Os == platform.Os && config.Architecture == platform.Architecture;
            config = config with
            {
                Os = platform.Os,
                Architecture = platform.Architecture,
                Variant = platform.Variant is not null || !same ? platform.Variant : config.Variant,
                OsVersion = platform.OsVersion is not null || !same ? platform.OsVersion : config.OsVersion,
            };
        }

        Platform normal = Platform.Normalize(config.Os, config.Architecture, config.Variant);
        return config with { Os = normal.Os, Architecture = normal.Architecture, Variant = normal.Variant };
    }
}
