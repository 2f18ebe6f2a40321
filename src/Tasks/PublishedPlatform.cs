using Kimg.Engine.Primitives;

namespace Kimg.Tasks;

/// <summary>A self-contained or native application holds code of one architecture, and an image of another could not start it.</summary>
internal static class PublishedPlatform
{
    /// <param name="published">What it is published for: RuntimeIdentifier.</param>
    /// <param name="wanted">What the image is for: ContainerRuntimeIdentifier; empty: the same.</param>
    /// <param name="platforms">KimgPlatforms, which count more.</param>
    /// <exception cref="KimgException">UnsupportedProject.</exception>
    public static void Check(string published, string wanted, string[] platforms)
    {
        if (published.Length == 0) return;
        Platform own = RuntimePlatform.Parse("RuntimeIdentifier", published);
        if (platforms.Length > 0)
        {
            foreach (string platform in platforms)
            {
                if (PlatformSet.Named(platform) == own) continue;
                throw Differs(published, "KimgPlatforms", platform, "ContainerRuntimeIdentifiers publishes once for each of several architectures");
            }
        }
        else if (wanted.Length > 0 && RuntimePlatform.Parse("ContainerRuntimeIdentifier", wanted) != own)
        {
            throw Differs(published, "ContainerRuntimeIdentifier", wanted, "set RuntimeIdentifier to the same, as dotnet publish -r does");
        }
    }

    private static KimgException Differs(string published, string setting, string value, string hint) => new(
        ErrorCode.UnsupportedProject, $"{setting}: the application brings its own runtime or is native code, for '{published}', and cannot start on '{value}'")
    {
        Hint = hint,
    };
}
