using Kimg.Engine.Content;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Snapshots;

/// <summary>Where the forms of image layers are kept: blobs in the content store; indexes and, when single files are read, uncompressed tars
/// in the state directory, both under the diff ID.</summary>
internal sealed record LayerStorage(IContentStore Content, string StateDirectory)
{
    /// <summary>Where their files are written.</summary>
    internal string Ingest => Path.Combine(StateDirectory, StoreLayout.IngestName);

    internal string IndexPath(Digest diffId) => Path.Combine(StateDirectory, "indexes", diffId.Hex);

    internal string TarPath(Digest diffId) => Path.Combine(StateDirectory, "tars", diffId.Hex);
}
