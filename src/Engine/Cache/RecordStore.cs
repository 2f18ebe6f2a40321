using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Kimg.Engine.Content;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Cache;

/// <summary>Small JSON documents by digest, a file each: <c>ab/abcdef…</c>. Written by rename, so that every reader sees a whole one; the last writer wins.
/// What cannot be read or parsed is not there; what cannot be written is not kept: a cache never fails a build.</summary>
/// <param name="json">Only called when there is a document: the first of a type costs milliseconds.</param>
internal sealed class RecordStore<T>(string directory, string ingest, Func<JsonTypeInfo<T>> json)
    where T : class
{
    /// <summary>Finds a document that a build is about to use.</summary>
    public T? Use(Digest key)
    {
        T? found = Find(key);
        if (found is not null) LastUse.Find(PathOf(key));
        return found;
    }

    /// <summary>Whether a document is there that has not been used for a while; only then is it worth the effort to use it again.</summary>
    public bool IsAging(Digest key) => LastUse.IsAging(new FileInfo(PathOf(key)));

    /// <summary>Only looks: what is found is not used by this.</summary>
    public T? Find(Digest key)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(PathOf(key)), json());
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    public void Write(Digest key, T document)
    {
        string path = PathOf(key);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            WholeFile.Write(ingest, path, JsonSerializer.SerializeToUtf8Bytes(document, json()));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It is made again when it is needed.
        }
    }

    /// <summary>Removes a document; nothing happens when it is not there.</summary>
    public void Remove(Digest key) => File.Delete(PathOf(key));

    /// <summary>All keys, with when each was last used and how large it is.</summary>
    public IEnumerable<(Digest Key, FileInfo File)> List()
    {
        if (!Directory.Exists(directory)) yield break;
        foreach (string path in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories))
        {
            if (Digest.TryParse("sha256:" + Path.GetFileName(path), out Digest key)) yield return (key, new FileInfo(path));
        }
    }

    private string PathOf(Digest key) => Path.Combine(directory, key.Hex[..2], key.Hex);
}
