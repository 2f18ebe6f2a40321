using System.Collections.Immutable;
using Kimg.Engine.Content;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>An image or index, and where it goes.</summary>
internal sealed record PushRequest
{
    /// <summary>Names in one repository; those with a tag get it. None with a tag: pushed by digest only.</summary>
    public required ImmutableArray<ImageReference> Names { get; init; }

    /// <summary>The manifest or index.</summary>
    public required Descriptor Root { get; init; }

    /// <summary>Where its bytes and those of everything it refers to are.</summary>
    public required IBlobProvider Source { get; init; }

    /// <summary>Repositories of the same registry that are known to hold a blob, to mount it from.</summary>
    public ImmutableDictionary<Digest, ImmutableArray<string>> MountFrom { get; init; } =
        ImmutableDictionary<Digest, ImmutableArray<string>>.Empty;

    /// <summary>The repository has had another build of this image: most blobs will be there, the image will not. So each blob is looked for before it is
    /// mounted, which is more work for a registry.</summary>
    public bool LookFirst { get; init; }

    /// <summary>No manifest is pushed before this has succeeded.</summary>
    public Task Allowed { get; init; } = Task.CompletedTask;

    /// <summary>Called with the bytes of a blob so far; with its whole size when it was there already.</summary>
    public Action<Descriptor, long>? Progress { get; init; }
}
