using System.Text.Json;
using Kimg.Engine.Content;
using Kimg.Engine.Native;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Exporters;

/// <summary>Writes an OCI layout directory, or adds to one. Blobs come first, each by rename, and <c>index.json</c> last: whoever reads the directory
/// at any moment finds a whole layout, and a failed export leaves the images that were there.</summary>
internal sealed class OciLayoutWriter(BlobSource blobs)
{
    public async Task WriteAsync(ExportContent content, IReadOnlyList<ImageReference> names, string directory, CancellationToken cancellationToken)
    {
        await blobs.EnsureAsync(content.Blobs, cancellationToken);
        try
        {
            string target = Path.GetFullPath(directory);
            Directory.CreateDirectory(target);
            foreach (ExportBlob blob in content.Blobs.DistinctBy(b => b.Descriptor.Digest))
            {
                string path = Path.Combine(target, "blobs", blob.Descriptor.Digest.Algorithm, blob.Descriptor.Digest.Hex);
                if (File.Exists(path) && new FileInfo(path).Length == blob.Descriptor.Size) continue;
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                await using OutputFile file = OutputFile.Create(path);
                await using (Stream source = blobs.Open(blob)) await source.CopyToAsync(file.Stream, cancellationToken);
                file.Commit();
            }

            await WriteFileAsync(Path.Combine(target, "oci-layout"), LayoutIndex.LayoutFile, cancellationToken);
            // Another export into the same directory must not lose this one's entry. The lock file stays: deleting it would let two in.
            using FileLock held = FileLock.Acquire(Path.Combine(target, "index.json.lock"), exclusive: true);
            string indexPath = Path.Combine(target, "index.json");
            ImageIndex index = LayoutIndex.Add(await ReadIndexAsync(indexPath, cancellationToken), content, names);
            await WriteFileAsync(indexPath, CanonicalJson.SerializeCompact(index), cancellationToken);
        }
        catch (Exception e) when (StorageFailure.Is(e))
        {
            throw OutputFile.Failed(e, directory);
        }
    }

    private static async Task<ImageIndex> ReadIndexAsync(string path, CancellationToken cancellationToken)
    {
        if (!File.Exists(path)) return LayoutIndex.Empty;
        byte[] bytes = await File.ReadAllBytesAsync(path, cancellationToken);
        try
        {
            return JsonSerializer.Deserialize(bytes, OciJson.Default.ImageIndex) ?? LayoutIndex.Empty;
        }
        catch (JsonException e)
        {
            throw new KimgException(ErrorCode.InvalidOutput, $"'{path}' is not the index of an OCI layout", e)
            {
                Hint = "choose another directory, or remove the file",
            };
        }
    }

    private static async Task WriteFileAsync(string path, byte[] bytes, CancellationToken cancellationToken)
    {
        await using OutputFile file = OutputFile.Create(path);
        await file.Stream.WriteAsync(bytes, cancellationToken);
        file.Commit();
    }
}
