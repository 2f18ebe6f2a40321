using System.Collections.Immutable;

namespace Kimg.Tasks;

// With a Dockerfile kimg finds out whether anything has changed: the build is done, from its cache, and compared with the last one.
public sealed partial class BuildImage
{
    // In the place of a fingerprint.
    private const string OfDockerfile = "Dockerfile";

    /// <summary>What the last build made, if this build puts it where that one did.</summary>
    private ImageStamp? LastOf(ImmutableArray<string> names, ImageOutputs outputs)
    {
        if (!Compares || ImageStamp.TryRead(StampFile) is not { Fingerprint: OfDockerfile, Digest.Length: > 0 } last) return null;
        ImmutableArray<string> archives = outputs.Archive.Length > 0 ? [outputs.Archive] : [];
        return last.Pushed == outputs.Push && last.Names.SequenceEqual(names) && last.Archives.SequenceEqual(archives) ? last : null;
    }
}
