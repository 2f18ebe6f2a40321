using Kimg.Engine.Build;
using Kimg.Engine.Oci;

namespace Kimg.Cli.Options;

/// <summary>NAME, store://NAME or oci-layout://DIRECTORY[:TAG].</summary>
internal static class LocationParser
{
    private const string Store = "store://", Layout = "oci-layout://", Docker = "docker://";

    public static ImageLocation Parse(string text, string currentDirectory)
    {
        if (text.StartsWith(Store, StringComparison.Ordinal)) return new StoreLocation(ImageReference.Parse(text[Store.Length..]));
        if (text.StartsWith(Docker, StringComparison.Ordinal)) return new RegistryLocation(ImageReference.Parse(text[Docker.Length..]));
        if (!text.StartsWith(Layout, StringComparison.Ordinal)) return new RegistryLocation(ImageReference.Parse(text));
        string path = text[Layout.Length..];
        int colon = path.LastIndexOf(':');
        string? tag = colon > path.LastIndexOfAny(['/', '\\']) ? path[(colon + 1)..] : null;
        return new LayoutLocation(Path.GetFullPath(tag is null ? path : path[..colon], currentDirectory), tag);
    }
}
