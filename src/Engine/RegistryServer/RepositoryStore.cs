using System.Collections.Immutable;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.RegistryServer;

/// <summary>Which repository holds what, as small files beside the blobs:
/// <c>repositories/NAME/{_blobs/DIGEST, _manifests/DIGEST (holds its media type), _tags/TAG (holds a digest), _referrers/SUBJECT/DIGEST}</c>. Files appear by
/// rename, so a reader, or whoever comes after a crash, sees a whole one or none. A name's own parts never begin with '_'.</summary>
internal sealed class RepositoryStore
{
    private readonly string _root, _writing;

    public RepositoryStore(string directory)
    {
        _root = Path.Combine(Path.GetFullPath(directory), "repositories");
        _writing = Path.Combine(Path.GetFullPath(directory), "writing");
        StoreLayout.CreateDirectory(_root);
        StoreLayout.CreateDirectory(_writing);
    }

    public bool Exists(string name) => Directory.Exists(Path.Combine(_root, name, "_manifests"));

    public IEnumerable<string> Names() => Directory.EnumerateDirectories(_root, "_manifests", SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(_root, Path.GetDirectoryName(path)!).Replace('\\', '/')).Order(StringComparer.Ordinal);

    public bool HasBlob(string name, Digest digest) => File.Exists(Link(name, "_blobs", digest));

    public void AddBlob(string name, Digest digest) => Write(Link(name, "_blobs", digest), "");

    public bool RemoveBlob(string name, Digest digest) => Delete(Link(name, "_blobs", digest));

    /// <summary>The manifest's media type, null when it is not here.</summary>
    public string? ManifestType(string name, Digest digest) => Read(Link(name, "_manifests", digest));

    public void AddManifest(string name, Digest digest, string mediaType, Digest? subject)
    {
        // The referrer first: a crash in between leaves a referrer to nothing, which is skipped, and not a manifest that is not listed.
        if (subject is { } to) Write(Path.Combine(Link(name, "_referrers", to), FileName(digest)), "");
        Write(Link(name, "_manifests", digest), mediaType);
    }

    /// <summary>Removes the manifest with the tags that name it.</summary>
    public bool RemoveManifest(string name, Digest digest, Digest? subject)
    {
        foreach (string tag in Tags(name).Where(tag => Tag(name, tag) == digest)) RemoveTag(name, tag);
        if (subject is { } to) Delete(Path.Combine(Link(name, "_referrers", to), FileName(digest)));
        return Delete(Link(name, "_manifests", digest));
    }

    public IEnumerable<Digest> Referrers(string name, Digest subject) => List(Link(name, "_referrers", subject))
        .Select(file => Digest.TryParse(file.Replace('-', ':'), out Digest digest) ? digest : default)
        .Where(digest => digest != default && ManifestType(name, digest) is not null);

    public Digest? Tag(string name, string tag) =>
        Read(Path.Combine(_root, name, "_tags", tag)) is { } text && Digest.TryParse(text, out Digest digest) ? digest : null;

    public void SetTag(string name, string tag, Digest digest) => Write(Path.Combine(_root, name, "_tags", tag), digest.ToString());

    public bool RemoveTag(string name, string tag) => Delete(Path.Combine(_root, name, "_tags", tag));

    /// <summary>In the order the specification wants: without regard to case.</summary>
    public ImmutableArray<string> Tags(string name) =>
        [.. List(Path.Combine(_root, name, "_tags")).Where(tag => ImageReference.TagPattern().IsMatch(tag)).Order(TagOrder)];

    public static Comparer<string> TagOrder { get; } = Comparer<string>.Create((left, right) =>
        string.Compare(left, right, StringComparison.OrdinalIgnoreCase) is not 0 and var order ? order : string.CompareOrdinal(left, right));

    private string Link(string name, string kind, Digest digest) => Path.Combine(_root, name, kind, FileName(digest));

    private static string FileName(Digest digest) => $"{digest.Algorithm}-{digest.Hex}";

    private static IEnumerable<string> List(string directory) =>
        Directory.Exists(directory) ? Directory.EnumerateFiles(directory).Select(path => Path.GetFileName(path)) : [];

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private void Write(string path, string text)
    {
        StoreLayout.CreateDirectory(Path.GetDirectoryName(path)!);
        string temporary = Path.Combine(_writing, Guid.NewGuid().ToString("n"));
        File.WriteAllText(temporary, text);
        File.Move(temporary, path, overwrite: true);
    }

    private static bool Delete(string path)
    {
        if (!File.Exists(path)) return false;
        File.Delete(path);
        return true;
    }
}
