using System.Collections.Immutable;
using System.Text.Json;
using Kimg.Engine.Primitives;
using Microsoft.Build.Framework;
using TaskItem = Microsoft.Build.Utilities.TaskItem;

namespace Kimg.Tasks;

public sealed partial class BuildImage
{
    private bool HasDockerfile => Mode == "Dockerfile";

    private string StampFile => Path.Combine(WorkDirectory, "image.json");

    protected override async Task RunAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(WorkDirectory);
        ImmutableArray<string> names = ImageNaming.Names(ContainerRegistry, Repository, ImageTags, ImageNames);
        KimgProcess process = CreateProcess(Path.GetDirectoryName(ProjectFile)!);
        if (HasDockerfile) await BuildDockerfileAsync(process, names, cancellationToken);
        else await BuildProjectAsync(process, names, cancellationToken);
    }

    // Whether anything in the context has changed is kimg's to find out, which takes it milliseconds.
    private async Task BuildDockerfileAsync(KimgProcess process, ImmutableArray<string> names, CancellationToken cancellationToken)
    {
        ImmutableArray<AppPlatform> platforms = PublishOutput.Length == 0 ? [] : new PlatformSet(this).Read(listFiles: false);
        ImmutableArray<string> targets = platforms.Length > 1 && Platforms.Length == 0 ? [.. platforms.Select(p => p.Platform.ToString())] : [.. Platforms];
        ImageOutputs outputs = ImageOutputs.Of(this, ImageFormat == "Docker", targets.Length > 1);
        List<string> arguments = [.. new BuildArguments(this).Common(Dockerfile, names, outputs), .. targets.Select(p => "--platform=" + p)];
        foreach (AppPlatform platform in platforms.DistinctBy(p => p.Context)) arguments.Add($"--build-context={platform.Context}={platform.Directory}");
        arguments.AddRange(new BuildArguments(this).Dockerfile(Dockerfile, Labels));
        arguments.Add(Context);
        if (await RunBuildAsync(process, arguments, Dockerfile, cancellationToken))
            await FinishAsync(outputs, names, new ImageStamp { Fingerprint = "" }, cancellationToken);
    }

    private async Task BuildProjectAsync(KimgProcess process, ImmutableArray<string> names, CancellationToken cancellationToken)
    {
        ImmutableArray<AppPlatform> platforms = new PlatformSet(this).Read(listFiles: false);
        string baseImage = BaseImage;
        if (Mode == "DockerfileBase")
        {
            baseImage = BaseBuildName();
            if (!await BuildBaseAsync(process, baseImage, platforms, cancellationToken)) return;
        }

        ImageStamp? stamp = Incremental && !NoCache && AsFile.Length == 0 ? ImageStamp.TryRead(StampFile) : null;
        string fingerprint = new ImageFingerprint(this).Of(names, platforms);
        if (stamp?.Fingerprint == fingerprint && await IsCurrentAsync(process, stamp, baseImage, cancellationToken))
        {
            UpToDate = true;
            Log.LogMessage(MessageImportance.Normal, "{0}: the image is up to date.", ProjectName);
            Report(stamp);
            return;
        }

        File.Delete(StampFile);
        if (await InspectBaseAsync(process, baseImage, platforms[0].Platform, cancellationToken) is not { } found) return;
        AppImage image = new AppImageBuilder(this).Build(Pinned(baseImage, found), found, new PlatformSet(this).Read(listFiles: true));
        string dockerfile = AsFile.Length > 0 ? Path.GetFullPath(AsFile, Path.GetDirectoryName(ProjectFile)!) : Path.Combine(WorkDirectory, "Dockerfile");
        await File.WriteAllTextAsync(dockerfile, AppDockerfile.Render(image, Path.GetFileName(ProjectFile), Portable), cancellationToken);
        if (AsFile.Length > 0)
        {
            Log.LogMessage(MessageImportance.High, "{0} -> {1}", ProjectName, dockerfile);
            return;
        }

        ImageOutputs outputs = ImageOutputs.Of(this, ImageFormat.Length > 0 ? ImageFormat == "Docker" : found.IsDocker, platforms.Length > 1);
        List<string> arguments = [.. new BuildArguments(this).Common(dockerfile, names, outputs), .. platforms.Select(p => $"--platform={p.Platform}")];
        foreach (AppPlatform platform in platforms.DistinctBy(p => p.Context)) arguments.Add($"--build-context={platform.Context}={platform.Directory}");
        foreach ((string key, string value) in AppDockerfile.LabelsOutside(image)) arguments.Add($"--label={key}={value}");
        arguments.Add(WorkDirectory);
        if (await RunBuildAsync(process, arguments, dockerfile, cancellationToken))
            await FinishAsync(outputs, names, new ImageStamp { Fingerprint = fingerprint, BaseDigest = found.Digest }, cancellationToken);
    }

    // The base's name is only a name: with the digest the build asks no registry again.
    private string Pinned(string baseImage, BaseImageInfo found) =>
        Mode == "DockerfileBase" || found.Digest.Length == 0 || baseImage.Contains('@', StringComparison.Ordinal) || AsFile.Length > 0 ? baseImage : $"{baseImage}@{found.Digest}";

    private string BaseBuildName() => $"localhost/kimg-base/{Repository.Split('/')[^1]}:{Kimg.Engine.Primitives.Digest.Sha256(ProjectFile + Dockerfile).Hex[..12]}";

    private async Task<bool> BuildBaseAsync(KimgProcess process, string name, ImmutableArray<AppPlatform> platforms, CancellationToken cancellationToken)
    {
        var outputs = new ImageOutputs { Options = ["type=image"] };
        List<string> arguments = [.. new BuildArguments(this).Common(Dockerfile, [name], outputs), .. platforms.Select(p => $"--platform={p.Platform}")];
        arguments.AddRange(new BuildArguments(this).Dockerfile(Dockerfile, []));
        arguments.Add(Context);
        return await RunBuildAsync(process, arguments, Dockerfile, cancellationToken);
    }

    private async Task<BaseImageInfo?> InspectBaseAsync(KimgProcess process, string baseImage, Platform platform, CancellationToken cancellationToken)
    {
        if (baseImage == "scratch") return BaseImageInfo.Scratch;
        string? json = await AskAsync(
            process, ["inspect", "--json", $"--platform={platform}", .. EngineOptions(sandbox: false), BaseLocation(baseImage)],
            failure => Settings.Of(failure, hasDockerfile: false, ContainerRegistry), cancellationToken);
        return json is null ? null : BaseImageInfo.Read(json);
    }

    private string BaseLocation(string baseImage) => Mode == "DockerfileBase" ? "store://" + baseImage : baseImage;

    // All questions in one; whatever cannot be answered is answered by building.
    private async Task<bool> IsCurrentAsync(KimgProcess process, ImageStamp stamp, string baseImage, CancellationToken cancellationToken)
    {
        if (stamp.Archives.Any(file => !File.Exists(file))) return false;
        var questions = new List<(string Location, string Digest)>();
        bool pinned = baseImage == "scratch" || baseImage.Contains('@', StringComparison.Ordinal);
        if (!pinned && (CheckRemote || Mode == "DockerfileBase")) questions.Add((BaseLocation(baseImage), stamp.BaseDigest));
        bool remote = stamp.Pushed && CheckRemote, stored = !stamp.Pushed && stamp.Archives.IsEmpty && stamp.Digest.Length > 0;
        if (remote || stored) questions.AddRange(stamp.Names.Select(name => (remote ? name : "store://" + name, stamp.Digest)));
        if (questions.Count == 0) return true;
        (int exitCode, string output) = await process.RunAsync(
            ["inspect", "--digest", .. EngineOptions(sandbox: false), .. questions.Select(q => q.Location)], static _ => { }, cancellationToken);
        return exitCode == 0 && output.Split('\n', StringSplitOptions.RemoveEmptyEntries).SequenceEqual(questions.Select(q => q.Digest));
    }

    private async Task<bool> RunBuildAsync(KimgProcess process, List<string> arguments, string dockerfile, CancellationToken cancellationToken)
    {
        File.Delete(MetadataFile);
        var lines = new BuildLog(Log, dockerfile);
        (int exitCode, _) = await process.RunAsync(["build", .. arguments], lines.OnLine, cancellationToken);
        if (exitCode == 0) return true;
        KimgFailure failure = lines.Failure ?? Unknown(exitCode);
        lines.WriteFailure(failure, ProjectFile, Settings.Of(failure, dockerfile == Dockerfile, ContainerRegistry));
        return false;
    }

    private async Task FinishAsync(ImageOutputs outputs, ImmutableArray<string> names, ImageStamp stamp, CancellationToken cancellationToken)
    {
        stamp = ReadMetadata(stamp) with
        {
            Names = names, Pushed = outputs.Push, Archives = outputs.Archive.Length > 0 ? [outputs.Archive] : [],
        };
        if (outputs.Load.Length > 0) await LocalDaemon.LoadAsync(outputs.LoadProgram, outputs.Load, cancellationToken);
        if (stamp.Fingerprint.Length > 0 && outputs.Load.Length == 0) stamp.Write(StampFile);
        Report(stamp);
        string where = outputs.Archive.Length > 0 ? outputs.Archive : names.FirstOrDefault() ?? stamp.Digest;
        string how = outputs.Push ? "pushed" : outputs.Load.Length > 0 ? $"loaded into {outputs.LoadProgram}" : outputs.Stored ? "in the store of kimg" : "written";
        Log.LogMessage(MessageImportance.High, "{0} -> {1} ({2}{3})", ProjectName, where, stamp.Digest.Length > 0 ? stamp.Digest + ", " : "", how);
        foreach (string name in names.Skip(1)) Log.LogMessage(MessageImportance.Normal, "{0} -> {1}", ProjectName, name);
    }

    private ImageStamp ReadMetadata(ImageStamp stamp)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(MetadataFile));
        JsonElement root = json.RootElement;
        string Text(string name) => root.TryGetProperty(name, out JsonElement value) ? value.GetString() ?? "" : "";
        return stamp with
        {
            Digest = Text("containerimage.digest"),
            ImageId = Text("containerimage.config.digest"),
            MediaType = root.TryGetProperty("containerimage.descriptor", out JsonElement descriptor) ? descriptor.GetProperty("mediaType").GetString()! : "",
        };
    }

    private void Report(ImageStamp stamp)
    {
        // Of an index, which has no configuration, its digest: as kimg build --iidfile has it.
        ImageId = stamp.ImageId.Length > 0 ? stamp.ImageId : stamp.Digest;
        (Digest, MediaType, BaseDigest, Pushed) = (stamp.Digest, stamp.MediaType, stamp.BaseDigest, stamp.Pushed);
        ArchivePath = stamp.Archives.FirstOrDefault() ?? "";
        Images = [.. stamp.Names.Select(name => new TaskItem(name, new Dictionary<string, string>
        {
            ["Digest"] = stamp.Digest, ["ImageId"] = ImageId, ["MediaType"] = stamp.MediaType, ["Pushed"] = stamp.Pushed ? "true" : "false",
            ["ArchivePath"] = ArchivePath, ["MetadataFile"] = MetadataFile,
        }))];
    }
}
