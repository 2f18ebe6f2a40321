using System.Collections.Immutable;
using Kimg.Engine.Primitives;
using Microsoft.Build.Framework;

namespace Kimg.Tasks;

/// <summary>Publish directories and platforms → what the image is made of for each platform.</summary>
internal sealed class PlatformSet(BuildImage task)
{
    private const string Context = PublishContexts.Name;

    /// <param name="listFiles">False: the layers are left empty, which is enough to see whether anything has changed.</param>
    public ImmutableArray<AppPlatform> Read(bool listFiles)
    {
        ITaskItem[] outputs = task.PublishOutput;
        if (outputs.Length == 1)
        {
            PublishLayers shared = Layers(outputs[0], listFiles, leaveOut: task.Platforms.Length > 1 ? [task.AssemblyName] : []);
            ImmutableArray<Platform> platforms = task.Platforms.Length > 0 ? [.. task.Platforms.Select(Named)] : [Of(outputs[0])];
            return [.. platforms.Select(platform => new AppPlatform(platform, Context, Directory(outputs[0]), shared))];
        }

        ImmutableArray<AppPlatform> all = [.. outputs.Select(output =>
        {
            Platform platform = Of(output);
            return new AppPlatform(platform, $"{Context}-{platform.Architecture}{(platform.Architecture == "arm" ? platform.Variant : "")}", Directory(output), Layers(output, listFiles, []));
        })];
        if (all.GroupBy(p => p.Platform).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new KimgException(ErrorCode.UnsupportedProject, $"ContainerRuntimeIdentifiers: two of them are {twice.Key}")
            {
                Hint = "an index has one image for each platform; build linux and linux-musl as two images",
            };
        }

        return all;
    }

    private static Platform Of(ITaskItem output) => RuntimePlatform.Parse("ContainerRuntimeIdentifier", output.GetMetadata("RuntimeIdentifier"));

    private static string Directory(ITaskItem output) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(output.ItemSpec));

    public static Platform Named(string text)
    {
        try
        {
            return Platform.Parse(text);
        }
        catch (KimgException e)
        {
            throw new KimgException(ErrorCode.InvalidProjectProperty, $"KimgPlatforms: {e.Message}", e) { Hint = e.Hint ?? "for example linux/amd64;linux/arm64" };
        }
    }

    private PublishLayers Layers(ITaskItem output, bool list, string[] leaveOut)
    {
        if (!list) return new PublishLayers([]);
        PublishLayers layers = PublishLayers.Read(Directory(output), task.AssemblyName, leaveOut);
        return layers.Layers.Length > 0 ? layers : throw new KimgException(ErrorCode.UnsupportedProject, $"the publish directory '{Directory(output)}' is empty");
    }
}
