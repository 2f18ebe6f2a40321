using Kimg.Engine.Build;
using Kimg.Engine.Oci;

namespace Kimg.Cli.Options;

/// <summary>NAME, store://NAME, oci-layout://DIRECTORY[:TAG] or oci-archive://FILE[:TAG].</summary>
internal static class LocationParser
{
    private const string Store = "store://", Layout = "oci-layout://", Archive = "oci-archive://", Docker = "docker://";

    public static ImageLocation Parse(string text, string currentDirectory)
    {
        if (text.StartsWith(Store, StringComparison.Ordinal)) return new StoreLocation(ImageReference.Parse(text[Store.Length..]));
        if (text.StartsWith(Docker, StringComparison.Ordinal)) return new RegistryLocation(ImageReference.Parse(text[Docker.Length..]));
        if (text.StartsWith(Archive, StringComparison.Ordinal))
        {
            (string file, string? image) = Split(text[Archive.Length..], currentDirectory);
            return new ArchiveLocation(file, image);
        }

        if (!text.StartsWith(Layout, StringComparison.Ordinal)) return new RegistryLocation(ImageReference.Parse(text));
        (string directory, string? tag) = Split(text[Layout.Length..], currentDirectory);
        return new LayoutLocation(directory, tag);
    }

    private static (string Path, string? Tag) Split(string path, string currentDirectory)
    {
        int colon = path.LastIndexOf(':');
        string? tag = colon > path.LastIndexOfAny(['/', '\\']) ? path[(colon + 1)..] : null;
        return (Path.GetFullPath(tag is null ? path : path[..colon], currentDirectory), tag);
    }
}
