using Kimg.Engine.Graph;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Solver;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>Vertex → what executes it.</summary>
internal sealed class OpFactory(
    ImageResolver resolver,
    ImageLayers images,
    ContextOpener contexts,
    StepEnvironment environment,
    Directories directories,
    ArchiveUnpacker unpacker,
    EventStream events)
{
    public IOp<OpResult> Create(Vertex vertex)
    {
        var item = new WorkItem(vertex.Digest, events);
        return vertex.Op switch
        {
            ScratchOp => new ScratchRunner(),
            MergeOp => new MergeRunner(vertex.Inputs.Length),
            ImageSourceOp image => new ImageRunner(image, resolver, images, item.Report),
            LocalSourceOp local => new LocalRunner(local, contexts.Open),
            FileOp file => new FileRunner(file, vertex.Inputs.Length, unpacker, environment.Time),
            ExecOp exec => new ExecRunner(exec, vertex.Inputs.Length, vertex.Meta, environment, directories, item.Output),
            _ => throw new KimgException(ErrorCode.UnsupportedFeature, $"{vertex.Meta.Name}: sources of type '{vertex.Op.GetType().Name}' are not supported")
            {
                Span = vertex.Meta.Span,
                Hint = "fetch it in a RUN step, or put it into the build context",
            },
        };
    }
}
