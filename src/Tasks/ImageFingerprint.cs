using System.Collections.Immutable;
using Microsoft.Build.Framework;

namespace Kimg.Tasks;

/// <summary>Everything of the project that decides what its image is and where it goes; the times in labels do not count.</summary>
internal sealed class ImageFingerprint(BuildImage task)
{
    public string Of(ImmutableArray<string> names, ImmutableArray<AppPlatform> platforms)
    {
        using var fingerprint = new Fingerprint();
        fingerprint.Add(typeof(ImageFingerprint).Assembly.ManifestModule.ModuleVersionId.ToString());
        foreach (string value in new[]
        {
            task.Mode, task.BaseImage, task.AssemblyName, task.WorkingDirectory, task.User, task.AppCommandInstruction, task.ImageFormat, task.Push,
            task.ArchiveOutputPath, task.LocalRegistry, task.SourceDateEpoch, task.Sbom, task.Provenance, task.Dockerfile, task.Target,
            task.StateDirectory, task.GenerateDigestLabel ? "digest" : "", task.KimgBinary,
        })
        {
            fingerprint.Add(value);
        }

        fingerprint.Add(names);
        foreach (string[] values in new[]
        {
            task.Entrypoint, task.EntrypointArgs, task.AppCommand, task.AppCommandArgs, task.DefaultArgs, task.BuildOptions, task.RegistryMirror, task.Platforms,
        })
        {
            fingerprint.Add(values);
        }

        fingerprint.Add(Pairs(task.Labels.Where(label => label.ItemSpec is not (AppImageBuilder.Created or AppImageBuilder.ArtifactCreated))));
        fingerprint.Add(Pairs(task.EnvironmentVariables));
        fingerprint.Add(Pairs(task.Annotations));
        fingerprint.Add(task.Ports.Select(port => port.ItemSpec + "/" + port.GetMetadata("Type")));
        fingerprint.Add(task.Outputs.Concat(task.CacheFrom).Concat(task.CacheTo).Select(item => item.ItemSpec));
        fingerprint.Add(task.PublishOutput.Select(output => output.GetMetadata("RuntimeIdentifier") + " " + output.GetMetadata("AppCommand")));
        foreach (AppPlatform platform in platforms.DistinctBy(p => p.Context))
        {
            fingerprint.Add(platform.Platform.ToString());
            var digests = new PublishDigests(Path.Combine(task.WorkDirectory, platform.Context + ".files"));
            foreach (PublishedFile file in digests.Read(platform.Directory))
            {
                fingerprint.Add(file.Path);
                fingerprint.Add(file.Mode);
                fingerprint.Add(file.Digest);
            }
        }

        return fingerprint.Finish();
    }

    private static IEnumerable<string> Pairs(IEnumerable<ITaskItem> items) => items.SelectMany(item => new[] { item.ItemSpec, item.GetMetadata("Value") });
}
