using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Build;

/// <summary>Names that must still stand for what the caller has looked at. They are asked while everything else is done, and nothing is exported before the answers.</summary>
internal static class ExpectedImages
{
    /// <exception cref="KimgException">ImageMoved, ImageNotFound, RegistryUnreachable, …</exception>
    public static Task CheckAsync(BuildRequest request, RegistryClient registry, CancellationToken cancellationToken) =>
        Task.WhenAll(request.Expected.Select(expected => CheckAsync(expected, registry, cancellationToken)));

    private static async Task CheckAsync(ImageReference expected, RegistryClient registry, CancellationToken cancellationToken)
    {
        ImageReference name = expected with { Digest = null };
        Descriptor found = await registry.ResolveAsync(name, cancellationToken);
        if (found.Digest == expected.Digest) return;
        throw new KimgException(ErrorCode.ImageMoved, $"'{name}' is not {expected.Digest} any more: it is {found.Digest}")
        {
            Hint = "look at what has changed, and expect that; nothing was exported",
        };
    }
}
