using System.Collections.Immutable;
using Kimg.Engine.Content;
using Kimg.Engine.Exporters;
using Kimg.Engine.Oci;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Build;

/// <summary>What was built → every output that was asked for. Layers that two outputs want in the same form are made once.</summary>
internal sealed class ImageExport(
    BuildServices services, BuildRequest request, LayerChain layers, CacheExport caches, EventStream events, CancellationToken cancellationToken)
{
    public async Task<BuildResult> RunAsync(ImmutableArray<PlatformBuild> built)
    {
        ExportedImage? image = null;
        foreach (OutputSpec output in OutputsOf(request))
        {
            try
            {
                ExportedImage? exported = await ExportAsync(built, output);
                image ??= exported;
            }
            catch (Exception e) when (StorageFailure.Is(e))
            {
                throw StorageFailure.From(e, output.Destination ?? services.State.Root);
            }
        }

        await caches.RunAsync(built, image);
        var result = new BuildResult
        {
            Root = image?.Content.Root,
            ImageId = image?.Images is [var single] ? single.Manifest.Config.Digest : null,
            Names = image is null ? [] : image.Names,
            Warnings = [.. built.SelectMany(b => b.Frontend.Warnings).Distinct()],
            CachedVertices = events.CachedVertices,
            TotalVertices = events.CompletedVertices,
        };
        await ResultFiles.WriteAsync(request, result, image, cancellationToken);
        return result;
    }

    // Without an output an image that has a name is kept under it, so that it can be pushed, tagged and built upon.
    public static ImmutableArray<OutputSpec> OutputsOf(BuildRequest request) =>
        request.Outputs.IsEmpty && !request.Names.IsEmpty ? [new OutputSpec { Type = OutputType.Image }] : request.Outputs;

    private Task<ExportedImage?> ExportAsync(ImmutableArray<PlatformBuild> built, OutputSpec output) => output.Type switch
    {
        OutputType.CacheOnly => Task.FromResult<ExportedImage?>(null),
        OutputType.Tar or OutputType.Local => events.RunAsync<ExportedImage?>("exporting to client " + (output.Type == OutputType.Tar ? "tarball" : "directory"), async _ =>
        {
            await new TreeExport(output, services.Options.Output, cancellationToken).RunAsync(built, FrontendMapping.IsMultiPlatform(request, built.Length));
            return null;
        }),
        _ => events.RunAsync<ExportedImage?>($"exporting to {(output.Type == OutputType.Image ? "image" : output.Type == OutputType.Oci ? "oci image format" : "docker image format")}",
            item => ExportImageAsync(built, output, item)),
    };

    private async Task<ExportedImage?> ExportImageAsync(ImmutableArray<PlatformBuild> built, OutputSpec output, WorkItem item)
    {
        ExportedImage image = await ImageAssembly.AssembleAsync(layers, caches, built, output, request, NamesOf(output));
        item.Say($"exporting manifest {image.Content.Root.Digest}");
        ImmutableArray<ImageReference> rebuilt =
            [.. image.References.Where(name => services.Names.Find(name) is { Local: true } before && before.Root.Digest != image.Content.Root.Digest)];
        // A disk takes as long to be sure of a few kilobytes as a registry to answer a few requests: all at once, but what cannot be kept here is not published.
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task kept = KeepAsync(image, output, item, failed);
        Task pushed = output.Type == OutputType.Image && output.Push ? PushAsync(image, rebuilt, output, item, kept, failed.Token) : Task.CompletedTask;
        await Task.WhenAll(kept, pushed);
        var blobs = new BlobSource(services.Content, descriptor => image.BaseLayers.GetValueOrDefault(descriptor.Digest)?.Provider);
        switch (output.Type)
        {
            case OutputType.Image:
                break;
            case OutputType.Oci when !output.Tar:
                await new OciLayoutWriter(blobs).WriteAsync(image.Content, image.References, output.Destination!, cancellationToken);
                break;
            default:
                await WriteArchiveAsync(blobs, image, output);
                break;
        }

        return image;
    }

    private async Task KeepAsync(ExportedImage image, OutputSpec output, WorkItem item, CancellationTokenSource failed)
    {
        try
        {
            await Task.WhenAll(image.Content.Blobs.Select(blob => blob.Bytes is { } bytes
                ? Task.Run(() => services.Content.WriteAsync(bytes, cancellationToken), cancellationToken)
                : Task.CompletedTask));
            if (output.Type != OutputType.Image) return;
            foreach (ImageReference name in image.References)
            {
                services.Names.Set(name, image.Content.Root, local: true, image.Origins);
                item.Say($"naming to {name}");
            }
        }
        catch
        {
            await failed.CancelAsync();
            throw;
        }
    }

    private async Task WriteArchiveAsync(BlobSource blobs, ExportedImage image, OutputSpec output)
    {
        var writer = new ImageArchiveWriter(blobs);
        bool docker = output.Type == OutputType.Docker;
        if (output.Destination == "-")
        {
            await using Stream stdout = services.Options.Output();
            await writer.WriteAsync(image.Content, image.References, docker, stdout, cancellationToken);
            return;
        }

        await using OutputFile file = OutputFile.Create(output.Destination!);
        await writer.WriteAsync(image.Content, image.References, docker, file.Stream, cancellationToken);
        file.Commit();
    }

    private async Task PushAsync(
        ExportedImage image, ImmutableArray<ImageReference> rebuilt, OutputSpec output, WorkItem item, Task kept, CancellationToken token)
    {
        var source = new ExportBlobs(services.Content, image);
        foreach (IGrouping<string, ImageReference> repository in image.References.GroupBy(name => name.Name))
        {
            ImmutableArray<ImageReference> names =
                [.. repository.Select(name => output.PushByDigest ? name with { Tag = null, Digest = image.Content.Root.Digest } : name)];
            item.Say($"pushing to {repository.Key}");
            await new Pusher(services.Registry).PushAsync(
                new PushRequest
                {
                    Names = names,
                    Root = image.Content.Root,
                    Source = source,
                    MountFrom = image.MountSources(names[0].Registry),
                    LookFirst = rebuilt.Any(name => name.Name == repository.Key),
                    Allowed = kept,
                    Progress = (blob, bytes) => item.Report($"pushing {blob.Digest}", bytes, blob.Size),
                },
                token);
        }
    }

    private ImmutableArray<ImageReference> NamesOf(OutputSpec output) =>
        output.Names.IsEmpty ? request.Names : [.. output.Names.Select(ImageReference.Parse)];
}
