using System.Collections.Immutable;
using Kimg.Engine.Exporters;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Build;

/// <summary>type=tar and type=local: the file system itself, not an image.</summary>
internal sealed class TreeExport(OutputSpec output, Func<Stream> standardOutput, CancellationToken cancellationToken)
{
    /// <param name="byPlatform">Each platform has a directory of its own.</param>
    public async Task RunAsync(ImmutableArray<PlatformBuild> built, bool byPlatform)
    {
        string destination = output.Destination!;
        var trees = new List<(Platform, IFileTree)>();
        foreach (PlatformBuild build in built) trees.Add((build.Platform, await build.Root.TreeAsync(cancellationToken)));
        if (output.Type == OutputType.Local)
        {
            await LocalWriter.WriteAsync(trees, destination, cancellationToken, byPlatform);
        }
        else if (destination == "-")
        {
            await using Stream stream = standardOutput();
            await RootfsTarWriter.WriteAsync(trees, stream, cancellationToken, byPlatform);
        }
        else
        {
            await using OutputFile file = OutputFile.Create(destination);
            await RootfsTarWriter.WriteAsync(trees, file.Stream, cancellationToken, byPlatform);
            file.Commit();
        }
    }
}
