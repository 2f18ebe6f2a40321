using Kimg.Engine.Primitives;

namespace Kimg.Engine.Solver;

/// <summary>Where results are found again by cache key. A failing storage answers null; it throws only for cancellation.</summary>
internal interface ICacheStorage<TResult>
    where TResult : class
{
    /// <summary>The result recorded under the key, or null when there is none or it is no longer whole.</summary>
    Task<TResult?> LoadAsync(Digest key, CancellationToken cancellationToken);

    /// <summary>What is recorded under the key is in use though nobody loads it: something made from it was found.</summary>
    void Keep(Digest key);

    /// <summary>Records a result under each of the keys, replacing what was there.</summary>
    Task SaveAsync(IReadOnlyList<Digest> keys, TResult result, CancellationToken cancellationToken);
}
