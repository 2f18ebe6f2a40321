using System.Collections.Immutable;
using System.Text.Json;
using Kimg.Engine.Primitives;
using Microsoft.Build.Framework;
using TaskItem = Microsoft.Build.Utilities.TaskItem;

namespace Kimg.Tasks;

public sealed partial class BuildImage
{
    private bool HasDockerfile => Mode == "Dockerfile";

    private protected override IEnumerable<string> NewNames => ImageNames;

    internal BuildSwitches Switches { get; private set; } = new();

    // What was built last may be what is asked for now.
    private bool Compares => Switches.Incremental && !Switches.NoCache && AsFile.Length == 0;

    private string StampFile => Path.Combine(WorkDirectory, "image.stamp");

    protected override void Run()
    {
        Switches = BuildSwitches.Of(this);
        Directory.CreateDirectory(WorkDirectory);
        ImmutableArray<string> names = ImageNaming.Names(ContainerRegistry, Repository, ImageTags, ImageNames);
        using KimgProcess process = CreateProcess(Path.GetDirectoryName(ProjectFile)!);
        EarlyKimg? early = EarlyKimg.Take(BuildEngine, WorkDirectory);
        // Another binary may not know how to wait, and an unchanged image may need none.
        if (early is not null || (KimgBinary.Length == 0 && (Switches.CheckRemote || !Compares))) process.Use(early);
        if (HasDockerfile) BuildDockerfile(process, names);
        else BuildProject(process, names);
    }

    // Whether anything in the context has changed is kimg's to find out, which takes it milliseconds.
    private void BuildDockerfile(KimgProcess process, ImmutableArray<string> names)
    {
        if (AsFile.Length > 0)
        {
            WriteOwnDockerfile();
            return;
        }

        ImmutableArray<AppPlatform> platforms = PublishOutput.Length == 0 ? [] : new PlatformSet(this).Read(listFiles: false);
        IEnumerable<string> ofProject = RuntimeIdentifiers.Select(id => RuntimePlatform.Parse("ContainerRuntimeIdentifier", id).ToString()).Distinct();
        ImmutableArray<string> targets = [.. Platforms.Length > 0 ? Platforms : ofProject];
        ImageOutputs outputs = ImageOutputs.Of(this, ImageFormat == "Docker", targets.Length > 1);
        List<string> arguments = [.. new BuildArguments(this).Common(Dockerfile, names, outputs, KeptMetadata), .. targets.Select(p => "--platform=" + p)];
        PublishContexts contexts = PublishContexts.Of(File.ReadAllText(Dockerfile), Dockerfile);
        foreach (AppPlatform platform in platforms.DistinctBy(p => p.Context).Where(p => !contexts.IsStage(p.Context)))
            arguments.Add($"--build-context={platform.Context}={platform.Directory}");
        arguments.AddRange(new BuildArguments(this).Dockerfile(Dockerfile, Labels));
        arguments.Add(Context);
        ImageStamp? last = LastOf(names, outputs);
        if (last is not null && !IsCurrent(last, askedBase: false, AskDigests(process, [.. Targets(last)]))) last = null;
        File.Delete(StampFile);
        File.Delete(KeptMetadata);
        if (RunBuild(process, arguments, Dockerfile) is { } failed) Tell(failed, Dockerfile);
        else Finish(outputs, names, new ImageStamp { Fingerprint = OfDockerfile }, last);
    }

    private void BuildProject(KimgProcess process, ImmutableArray<string> names)
    {
        ImmutableArray<AppPlatform> platforms = new PlatformSet(this).Read(listFiles: false);
        string baseImage = BaseImage;
        if (Mode == "DockerfileBase")
        {
            baseImage = BaseBuildName();
            if (!BuildBase(process, baseImage, platforms)) return;
        }

        ImageStamp? stamp = Compares ? ImageStamp.TryRead(StampFile) : null;
        bool asksBase = IsMovable(baseImage) && (Switches.CheckRemote || Switches.Pull || Mode == "DockerfileBase");
        string fingerprint = new ImageFingerprint(this).Of(names, platforms);
        ImmutableArray<string> digests = [];
        if (stamp?.Fingerprint == fingerprint && File.Exists(KeptMetadata))
        {
            bool readable = false;
            ImmutableArray<string> locations = [.. asksBase ? [BaseLocation(baseImage)] : Array.Empty<string>(), .. Targets(stamp)];
            digests = AskDigests(process, locations, meanwhile: () => readable = TryReadGenerated(stamp.Digest));
            if (readable && IsCurrent(stamp, asksBase, digests))
            {
                UpToDate = true;
                Log.LogMessage(MessageImportance.Normal, "{0}: the image is up to date.", ProjectName);
                GiveMetadata();
                Report(stamp);
                return;
            }
        }

        if (AsFile.Length == 0) File.Delete(StampFile);
        var record = new BaseRecord(WorkDirectory, baseImage, platforms[0].Platform.ToString());
        BaseImageInfo? known = record.TryRead();
        // What is built on a known base finds out by itself that it has moved.
        bool expects = asksBase && digests.IsEmpty && Mode == "Project" && AsFile.Length == 0 && KimgBinary.Length == 0;
        if (known is not null && asksBase && digests.IsEmpty && !expects) digests = AskDigests(process, [BaseLocation(baseImage)]);
        bool same = known is not null && (!IsMovable(baseImage) || expects || (asksBase && digests.FirstOrDefault() == known.Digest));
        if (same && BuildFrom(process, baseImage, known!, names, fingerprint, expects)) return;
        if (InspectBase(process, baseImage, platforms[0].Platform, record) is { } found) BuildFrom(process, baseImage, found, names, fingerprint, expects: false);
    }

    /// <returns>False: the base is another one by now, and nothing was written.</returns>
    private bool BuildFrom(KimgProcess process, string baseImage, BaseImageInfo found, ImmutableArray<string> names, string fingerprint, bool expects)
    {
        ImmutableArray<AppPlatform> platforms = new PlatformSet(this).Read(listFiles: true);
        bool HasMoved() => expects && AskDigests(process, [baseImage]) is [var now] && now != found.Digest;
        AppImage image;
        try
        {
            CheckBase(baseImage, found, platforms);
            image = new AppImageBuilder(this).Build(Pinned(baseImage, found), found, platforms);
        }
        catch (KimgException) when (HasMoved())
        {
            return false;
        }

        string text = AppDockerfile.Render(image, Path.GetFileName(ProjectFile), Switches.Portable);
        string dockerfile = AsFile.Length > 0 ? Path.GetFullPath(AsFile, Path.GetDirectoryName(ProjectFile)!) : Path.Combine(WorkDirectory, "Dockerfile");
        Put("KimgAsFile", dockerfile, file => File.WriteAllText(file, text));
        if (AsFile.Length > 0)
        {
            Log.LogMessage(MessageImportance.High, "{0} -> {1}", ProjectName, dockerfile);
            return true;
        }

        ImageOutputs outputs = ImageOutputs.Of(this, ImageFormat.Length > 0 ? ImageFormat == "Docker" : found.IsDocker, platforms.Length > 1);
        List<string> arguments = [.. new BuildArguments(this).Common(dockerfile, names, outputs, KeptMetadata), .. platforms.Select(p => $"--platform={p.Platform}")];
        foreach (AppPlatform platform in platforms.DistinctBy(p => p.Context)) arguments.Add($"--build-context={platform.Context}={platform.Directory}");
        foreach ((string key, string value) in AppDockerfile.LabelsOutside(image)) arguments.Add($"--label={key}={value}");
        if (expects) arguments.Add($"--expect={baseImage}@{found.Digest}");
        arguments.Add(WorkDirectory);
        File.Delete(KeptMetadata);
        FailedBuild? failed = RunBuild(process, arguments, dockerfile);
        // Whatever failed may have failed because of that.
        if (failed is not null && HasMoved()) return false;
        if (failed is not null) Tell(failed, dockerfile);
        else Finish(outputs, names, new ImageStamp { Fingerprint = fingerprint, BaseDigest = found.Digest });
        return true;
    }

    // The base's name is only a name: with the digest the build asks no registry again.
    private string Pinned(string baseImage, BaseImageInfo found) =>
        Mode == "DockerfileBase" || found.Digest.Length == 0 || baseImage.Contains('@', StringComparison.Ordinal) || AsFile.Length > 0 ? baseImage : $"{baseImage}@{found.Digest}";

    private static bool IsMovable(string baseImage) => baseImage != "scratch" && !baseImage.Contains('@', StringComparison.Ordinal);

    private string BaseBuildName() => $"localhost/kimg-base/{Repository.Split('/')[^1]}:{Kimg.Engine.Primitives.Digest.Sha256(ProjectFile + Dockerfile).Hex[..12]}";

    private bool BuildBase(KimgProcess process, string name, ImmutableArray<AppPlatform> platforms)
    {
        var outputs = new ImageOutputs { Options = ["type=image"] };
        string metadata = Path.Combine(WorkDirectory, "base-metadata.json");
        List<string> arguments = [.. new BuildArguments(this).Common(Dockerfile, [name], outputs, metadata), .. platforms.Select(p => $"--platform={p.Platform}")];
        arguments.AddRange(new BuildArguments(this).Dockerfile(Dockerfile, []));
        arguments.Add(Context);
        if (RunBuild(process, arguments, Dockerfile) is not { } failed) return true;
        Tell(failed, Dockerfile);
        return false;
    }

    // That it is for the first one has been looked at.
    private void CheckBase(string baseImage, BaseImageInfo found, ImmutableArray<AppPlatform> platforms)
    {
        if (found.IsIndex || baseImage == "scratch" || platforms.FirstOrDefault(p => p.Platform != platforms[0].Platform) is not { } other) return;
        throw new KimgException(ErrorCode.PlatformNotFound, $"{Settings.BaseOf(BaseFamily)}: '{baseImage}' is for {platforms[0].Platform} alone, and the image is to be for {other.Platform} too")
        {
            Hint = "name a base with an index of both, or leave the other out of KimgPlatforms or ContainerRuntimeIdentifiers",
        };
    }

    private BaseImageInfo? InspectBase(KimgProcess process, string baseImage, Platform platform, BaseRecord record)
    {
        if (baseImage == "scratch") return BaseImageInfo.Scratch;
        string? json = Ask(
            process, ["inspect", "--json", $"--platform={platform}", .. EngineOptions(sandbox: false), BaseLocation(baseImage)],
            (new Settings { Base = Mode == "DockerfileBase" ? "KimgBaseDockerfile" : Settings.BaseOf(BaseFamily) }).Of);
        return json is null ? null : record.Write(json);
    }

    private string BaseLocation(string baseImage) => Mode == "DockerfileBase" ? "store://" + baseImage : baseImage;

    // Empty when one of them could not be answered.
    private ImmutableArray<string> AskDigests(KimgProcess process, ImmutableArray<string> locations, Action? meanwhile = null)
    {
        if (locations.IsEmpty)
        {
            meanwhile?.Invoke();
            return [];
        }

        ProcessAnswer answer = process.Run(["inspect", "--digest", .. EngineOptions(sandbox: false), .. locations], static _ => { }, meanwhile);
        return answer.ExitCode == 0 ? [.. answer.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)] : [];
    }

    // Where the image must still be what it was.
    private IEnumerable<string> Targets(ImageStamp stamp)
    {
        if (stamp.Pushed) return Switches.CheckRemote ? stamp.Names : [];
        return stamp.Archives.IsEmpty && stamp.Digest.Length > 0 ? stamp.Names.Select(name => "store://" + name) : [];
    }

    // Whatever could not be answered is answered by building.
    private bool IsCurrent(ImageStamp stamp, bool askedBase, ImmutableArray<string> digests) =>
        stamp.Archives.Select(ImageStamp.StateOf).SequenceEqual(stamp.ArchiveStates)
        && digests.SequenceEqual([.. askedBase ? [stamp.BaseDigest] : Array.Empty<string>(), .. Targets(stamp).Select(_ => stamp.Digest)]);

    private sealed record FailedBuild(BuildLog Lines, KimgFailure Failure);

    /// <returns>Null when it succeeded.</returns>
    private FailedBuild? RunBuild(KimgProcess process, List<string> arguments, string dockerfile)
    {
        var lines = new BuildLog(Log, dockerfile);
        int exitCode = process.Run(["build", .. arguments], lines.OnLine).ExitCode;
        return exitCode == 0 ? null : new FailedBuild(lines, lines.Failure ?? Unknown(exitCode));
    }

    private void Tell(FailedBuild failed, string dockerfile)
    {
        KimgFailure failure = failed.Failure;
        // A place in a Dockerfile that nobody wrote helps nobody.
        if (dockerfile != Dockerfile) failure = failure with { File = null, Line = 0, Column = 0, EndLine = 0 };
        failed.Lines.WriteFailure(failure, ProjectFile, SettingsOf(dockerfile, failure).Of(failure));
    }

    private Settings SettingsOf(string dockerfile, KimgFailure failure) => new()
    {
        Base = dockerfile == Dockerfile ? "the Dockerfile" : Mode == "DockerfileBase" ? "KimgBaseDockerfile" : Settings.BaseOf(BaseFamily),
        // One registry may have both.
        Registries = BaseImage.Length > 0 && failure.Message.Contains(BaseImage, StringComparison.Ordinal) ? []
            : Settings.RegistriesOf(ImageNaming.Names(ContainerRegistry, Repository, ImageTags, ImageNames)),
        Names = ImageNames.Length > 0 ? "KimgImageNames" : "ContainerRegistry",
        BuildOptions = [.. BuildOptions],
    };

    private void Finish(ImageOutputs outputs, ImmutableArray<string> names, ImageStamp stamp, ImageStamp? last = null)
    {
        stamp = ReadMetadata(stamp) with
        {
            Names = names, Pushed = outputs.Push, Stored = outputs.Stored, Archives = outputs.Archive.Length > 0 ? [outputs.Archive] : [],
            ArchiveStates = outputs.Archive.Length > 0 ? [ImageStamp.StateOf(outputs.Archive)] : [],
        };
        if (outputs.Load.Length > 0) LocalDaemon.Load(outputs.LoadProgram, outputs.Load, Canceled);
        GiveMetadata();
        // Of what further outputs wrote, and of what a daemon has, nothing here knows whether it is still there.
        if (outputs.Load.Length == 0 && !WritesMore) stamp.Write(StampFile);
        UpToDate = last is not null && last.Digest == stamp.Digest;
        Report(stamp);
        string where = outputs.Archive.Length > 0 ? outputs.Archive : names.FirstOrDefault() ?? stamp.Digest;
        string how = UpToDate ? "unchanged"
            : outputs.Push ? "pushed" : outputs.Load.Length > 0 ? $"loaded into {outputs.LoadProgram}" : outputs.Stored ? "in the store of kimg" : "written";
        Log.LogMessage(MessageImportance.High, "{0} -> {1} ({2}{3})", ProjectName, where, stamp.Digest.Length > 0 ? stamp.Digest + ", " : "", how);
        foreach (string name in names.Skip(1)) Log.LogMessage(MessageImportance.Normal, "{0} -> {1}", ProjectName, name);
    }

    private ImageStamp ReadMetadata(ImageStamp stamp)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(KeptMetadata));
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
            ["Stored"] = stamp.Stored ? "true" : "false", ["ArchivePath"] = ArchivePath, ["MetadataFile"] = MetadataFile, ["UpToDate"] = UpToDate ? "true" : "false",
            ["BaseDigest"] = BaseDigest,
        }))];
        ReadGenerated(stamp.Digest);
    }
}
