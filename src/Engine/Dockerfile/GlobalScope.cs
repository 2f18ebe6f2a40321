using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>The variables FROM sees: platform arguments, then the ARGs before the first stage.</summary>
internal static class GlobalScope
{
    public static void Build(Lowering lowering)
    {
        EnvList platform = PlatformArgs(lowering.Options, lowering.File.Stages);
        CheckDefaults(lowering, platform.Clone());
        EnvList args = platform;
        foreach (ArgInstruction instruction in lowering.File.GlobalArgs)
            Apply(lowering, instruction, args, lowering.BuildArgs, lowering.Outline);
        lowering.GlobalArgs = args;
    }

    private static EnvList PlatformArgs(FrontendOptions options, IReadOnlyList<Stage> stages)
    {
        Platform build = options.BuildPlatform, target = options.Platform;
        string stage = options.Target ?? stages[^1].From.Name ?? "";
        var args = new EnvList();
        foreach ((string name, string value) in new[]
        {
            ("BUILDPLATFORM", build.ToString()),
            ("BUILDOS", build.Os),
            ("BUILDOSVERSION", build.OsVersion ?? ""),
            ("BUILDARCH", build.Architecture),
            ("BUILDVARIANT", build.Variant ?? ""),
            ("TARGETPLATFORM", target.ToString()),
            ("TARGETOS", target.Os),
            ("TARGETOSVERSION", target.OsVersion ?? ""),
            ("TARGETARCH", target.Architecture),
            ("TARGETVARIANT", target.Variant ?? ""),
            ("TARGETSTAGE", stage.Length == 0 ? "default" : stage),
        })
        {
            args.Set(name, options.BuildArgs.GetValueOrDefault(name, value));
        }

        return args;
    }

    private static void Apply(Lowering lowering, ArgInstruction instruction, EnvList args, IReadOnlyDictionary<string, string> given, StageOutline outline)
    {
        foreach (ArgDefinition arg in instruction.Args)
        {
            string? value = arg.Value;
            HashSet<string> dependencies = [];
            if (given.TryGetValue(arg.Key, out string? override_))
            {
                value = override_;
            }
            else if (value is not null)
            {
                WordExpander expander = lowering.Expander(args, instruction.Span);
                value = expander.Expand(value);
                dependencies = [.. expander.Matched];
                if (dependencies.Remove(arg.Key) && outline.Arguments.TryGetValue(arg.Key, out OutlineArgument? earlier))
                    dependencies.UnionWith(earlier.Dependencies);
            }

            if (value is not null) args.Set(arg.Key, value);
            outline.Arguments[arg.Key] = new OutlineArgument(arg, value, instruction.Span, dependencies);
        }
    }

    /// <summary>Warns when a base name needs a build argument to be one.</summary>
    private static void CheckDefaults(Lowering lowering, EnvList args)
    {
        try
        {
            foreach (ArgInstruction instruction in lowering.File.GlobalArgs)
                Apply(lowering, instruction, args, new Dictionary<string, string>(), new StageOutline());
            foreach (Stage stage in lowering.File.Stages)
            {
                string name = lowering.Expander(args, stage.From.Span).Expand(stage.From.BaseName);
                if (!ImageReference.TryParse(name, out _))
                    lowering.Linter.Report(LintRules.InvalidDefaultArgInFrom, stage.From.Span, stage.From.BaseName);
            }
        }
        catch (KimgException unexpandable) when (unexpandable.Code == ErrorCode.InvalidExpansion)
        {
            // The lowering itself meets the same word with the given arguments and reports it if it is still wrong.
        }
    }
}
