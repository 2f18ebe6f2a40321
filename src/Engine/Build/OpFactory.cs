using Kimg.Engine.Content;
using Kimg.Engine.Graph;
using Kimg.Engine.Ops;
using Kimg.Engine.Solver;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>Vertex → what executes it.</summary>
internal sealed class OpFactory(
    ImageResolver resolver,
    ImageLayers images,
    IContentStore content,
    ContextOpener contexts,
    RemoteFiles remote,
    StepEnvironment environment,
    Directories directories,
    ArchiveUnpacker unpacker,
    EventStream events)
{
    public IOp<OpResult> Create(Vertex vertex) => LocatedOp.Of(Bare(vertex), vertex.Meta.Span);

    private IOp<OpResult> Bare(Vertex vertex)
    {
        var item = new WorkItem(vertex.Digest, events);
        return vertex.Op switch
        {
            ScratchOp => new ScratchRunner(),
            MergeOp => new MergeRunner(vertex.Inputs.Length),
            ImageSourceOp image => new ImageRunner(image, resolver, images, item.Report),
            LocalSourceOp local => new LocalRunner(local, contexts.Open),
            GitSourceOp git => new GitRunner(git, remote.Git, contexts.Open),
            HttpSourceOp http => new HttpRunner(http, remote.Http, content, item.Report),
            OciLayoutSourceOp layout => new OciLayoutRunner(layout, contexts.Layout, images, item.Report),
            FileOp file => new FileRunner(file, vertex.Inputs.Length, unpacker, environment.Time),
            ExecOp exec when WorkerFactory.Refuses(environment.Worker) => new RefusedStep(Step(exec, vertex, item)),
            ExecOp exec => Step(exec, vertex, item),
            _ => throw new System.Diagnostics.UnreachableException(vertex.Op.GetType().Name),
        };
    }

    private ExecRunner Step(ExecOp exec, Vertex vertex, WorkItem item) => new(exec, vertex.Inputs.Length, vertex.Meta, environment, directories, item.Output);
}
