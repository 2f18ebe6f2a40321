namespace Kimg;

/// <summary>
/// Select, Where and SelectMany as plain iterators, for the native build on net9 only. There <c>Enumerable</c>'s own iterators have a generic virtual
/// <c>Select</c>, so that every element type is compiled with every result type: a fifth of the binary. net10 has a switch for it (docs/decisions/0008).
/// </summary>
/// <remarks>The compiler prefers these because the namespace encloses the callers'.</remarks>
internal static class SmallLinq
{
    public static IEnumerable<TResult> Select<TSource, TResult>(this IEnumerable<TSource> source, Func<TSource, TResult> selector)
    {
        foreach (TSource item in source)
            yield return selector(item);
    }

    public static IEnumerable<TResult> Select<TSource, TResult>(this IEnumerable<TSource> source, Func<TSource, int, TResult> selector)
    {
        int index = 0;
        foreach (TSource item in source)
            yield return selector(item, index++);
    }

    public static IEnumerable<TSource> Where<TSource>(this IEnumerable<TSource> source, Func<TSource, bool> predicate)
    {
        foreach (TSource item in source)
        {
            if (predicate(item))
                yield return item;
        }
    }

    public static IEnumerable<TResult> SelectMany<TSource, TResult>(this IEnumerable<TSource> source, Func<TSource, IEnumerable<TResult>> selector)
    {
        foreach (TSource item in source)
        {
            foreach (TResult result in selector(item))
                yield return result;
        }
    }
}
