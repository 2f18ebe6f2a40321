using System.Collections.Immutable;

namespace Kimg.Tasks;

// With a Dockerfile kimg finds out whether anything has changed: the build is done, from its cache, and compared with the last one.
public sealed partial class BuildImage
{
    // In the place of a fingerprint.
    private const string OfDockerfile = "Dockerfile";

    /// <summary>What the last build made, if it is still where it was put and this build puts it there again; asked before the build, which writes over it.</summary>
    private ImageStamp? LastInPlace(KimgProcess process, ImmutableArray<string> names, ImageOutputs outputs)
    {
        if (!Switches.Incremental || Switches.NoCache || ImageStamp.TryRead(StampFile) is not { Fingerprint: OfDockerfile, Digest.Length: > 0 } last) return null;
        ImmutableArray<string> archives = outputs.Archive.Length > 0 ? [outputs.Archive] : [];
        if (last.Pushed != outputs.Push || !last.Names.SequenceEqual(names) || !last.Archives.SequenceEqual(archives)) return null;
        using var questions = new DigestQuestions(process, EngineOptions(sandbox: false), [.. Targets(last)]);
        return IsCurrent(last, askedBase: false, questions.Answers()) ? last : null;
    }
}
