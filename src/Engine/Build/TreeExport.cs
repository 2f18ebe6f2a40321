using System.Collections.Immutable;
using Kimg.Engine.Exporters;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Build;

/// <summary>type=tar and type=local: the file system itself, not an image.</summary>
internal sealed class TreeExport(OutputSpec output, Func<Stream> standardOutput, CancellationToken cancellationToken)
{
    public async Task RunAsync(ImmutableArray<PlatformBuild> built)
    {
        string destination = output.Destination ?? throw new KimgException(ErrorCode.InvalidOutput, "the output needs a destination")
        {
            Hint = output.Type == OutputType.Tar ? "add dest=FILE.tar, or dest=- for stdout" : "add dest=DIRECTORY",
        };
        var trees = new List<(Platform, IFileTree)>();
        foreach (PlatformBuild build in built) trees.Add((build.Platform, await build.Root.TreeAsync(cancellationToken)));
        if (output.Type == OutputType.Local)
        {
            await LocalWriter.WriteAsync(trees, destination, cancellationToken);
        }
        else if (destination == "-")
        {
            await using Stream stream = standardOutput();
            await RootfsTarWriter.WriteAsync(trees, stream, cancellationToken);
        }
        else
        {
            await using OutputFile file = OutputFile.Create(destination);
            await RootfsTarWriter.WriteAsync(trees, file.Stream, cancellationToken);
            file.Commit();
        }
    }
}
