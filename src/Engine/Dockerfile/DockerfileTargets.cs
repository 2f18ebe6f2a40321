using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>The stages of a Dockerfile (--call=targets), in order.</summary>
public sealed record DockerfileTargets(ImmutableArray<DockerfileTarget> Targets)
{
    public required SourceText Source { get; init; }

    /// <exception cref="KimgException">What parsing and binding refuse.</exception>
    public static DockerfileTargets Parse(string dockerfile, string fileName)
    {
        DockerfileAst ast = DockerfileParser.Parse(dockerfile, fileName);
        ImmutableArray<Stage> stages = InstructionBinder.Bind(ast, Linter.Silent).Stages;
        return new DockerfileTargets([.. stages.Select((s, i) => new DockerfileTarget(
            s.From.Name, s.From.Description, i == stages.Length - 1, s.From.BaseName, s.From.Platform, s.From.Span))])
        {
            Source = ast.Source,
        };
    }
}

/// <summary>A stage; Base and Platform as written.</summary>
public sealed record DockerfileTarget(string? Name, string? Description, bool IsDefault, string Base, string? Platform, SourceSpan Span);
