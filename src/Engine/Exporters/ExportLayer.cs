using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Exporters;

/// <summary>A layer on its way into an image.</summary>
/// <param name="Descriptor">Its blob; the media type may be of either family.</param>
/// <param name="CreatedBy">For a history entry the image's configuration does not have; null: BuildKit's stand-in.</param>
/// <param name="Created">When the step that made it ran; null for layers of a base image.</param>
internal sealed record ExportLayer(Descriptor Descriptor, Digest DiffId, string? CreatedBy = null, Timestamp? Created = null);
