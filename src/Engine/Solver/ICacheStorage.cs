using Kimg.Engine.Primitives;

namespace Kimg.Engine.Solver;

/// <summary>Where results are found again by cache key. A failing storage answers null and never throws but for cancellation.</summary>
public interface ICacheStorage<TResult>
{
    /// <summary>The result recorded under the key, or null when there is none or it is no longer whole.</summary>
    Task<TResult?> LoadAsync(Digest key, CancellationToken cancellationToken);

    Task SaveAsync(Digest key, TResult result, CancellationToken cancellationToken);
}
