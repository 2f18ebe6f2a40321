using System.Collections.Immutable;
using System.Globalization;
using Kimg.Engine.Oci;

namespace Kimg.Engine.Exporters;

/// <summary>The <c>index.json</c> of an OCI layout (image-spec image-layout.md) with the annotations that containerd, BuildKit and skopeo read.</summary>
internal static class LayoutIndex
{
    internal const string RefName = "org.opencontainers.image.ref.name", ImageName = "io.containerd.image.name";
    internal const string CreatedName = "org.opencontainers.image.created";

    internal static readonly byte[] LayoutFile = """{"imageLayoutVersion":"1.0.0"}"""u8.ToArray();

    internal static ImageIndex Empty { get; } = new() { SchemaVersion = 2, MediaType = MediaTypes.OciIndex, Manifests = [] };

    /// <summary>The index with one entry for each name, or one without a name. An entry with the same name is replaced; one without a name and of the
    /// same digest is not listed twice.</summary>
    internal static ImageIndex Add(ImageIndex index, ExportContent content, IReadOnlyList<ImageReference> names)
    {
        var manifests = index.Manifests.ToList();
        foreach (Descriptor entry in Entries(content, names))
        {
            string? name = Annotation(entry, ImageName), tag = Annotation(entry, RefName);
            manifests.RemoveAll(m => Annotation(m, RefName) == tag && (name is null ? tag is not null || m.Digest == entry.Digest : Annotation(m, ImageName) == name));
            manifests.Add(entry);
        }

        return index with { MediaType = index.MediaType ?? MediaTypes.OciIndex, Manifests = [.. manifests] };
    }

    private static IEnumerable<Descriptor> Entries(ExportContent content, IReadOnlyList<ImageReference> names)
    {
        ImmutableSortedDictionary<string, string> annotations = content.Root.Annotations ?? ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);
        if (content.Created is { } created && !annotations.ContainsKey(CreatedName))
            annotations = annotations.Add(CreatedName, created.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        if (names.Count == 0) yield return content.Root with { Annotations = annotations.IsEmpty ? null : annotations };
        foreach (ImageReference name in names)
        {
            yield return content.Root with
            {
                Annotations = annotations.SetItem(ImageName, name.ToString()).SetItem(RefName, name.Tag ?? name.Digest?.ToString() ?? "latest"),
            };
        }
    }

    private static string? Annotation(Descriptor descriptor, string key) => descriptor.Annotations?.GetValueOrDefault(key);
}
