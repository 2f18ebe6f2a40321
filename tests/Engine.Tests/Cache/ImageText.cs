using Kimg.TestKit;

namespace Kimg.Engine.Tests.Cache;

/// <summary>Files of the image that a machine has built last, as tar sees them.</summary>
internal static class ImageText
{
    public static Task<string> ReadAsync(Machine machine, string path) => HostProgram.MustAsync(
        "sh", "-c", $"cd {machine.State}-out/blobs/sha256 && for f in *; do zcat $f 2>/dev/null | tar -xO {path} 2>/dev/null; done; true");
}
