using System.Collections.Immutable;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Kimg.Engine.Solver;

namespace Kimg.Engine.Build;

/// <summary>An operation whose errors say which instruction it stands for.</summary>
internal sealed class LocatedOp : IOp<OpResult>
{
    private readonly IOp<OpResult> _op;
    private readonly SourceSpan _span;

    private LocatedOp(IOp<OpResult> op, SourceSpan span)
    {
        (_op, _span) = (op, span);
        CacheMap = op.CacheMap with { Inputs = [.. op.CacheMap.Inputs.Select(Located)] };
    }

    public CacheMap<OpResult> CacheMap { get; }

    public static IOp<OpResult> Of(IOp<OpResult> op, SourceSpan? span) => span is null ? op : new LocatedOp(op, span);

    public Task<OpResult> ExecuteAsync(ImmutableArray<OpResult> inputs, CancellationToken cancellationToken) =>
        LocateAsync(_op.ExecuteAsync(inputs, cancellationToken));

    private ContentDigest<OpResult>? Located(ContentDigest<OpResult>? content) =>
        content is null ? null : (result, cancellationToken) => LocateAsync(content(result, cancellationToken));

    private async Task<T> LocateAsync<T>(Task<T> work)
    {
        try
        {
            return await work;
        }
        catch (KimgException e) when (e.Span is null)
        {
            throw new KimgException(e.Code, e.Message, e) { Hint = e.Hint, Span = _span, StepExitCode = e.StepExitCode };
        }
    }
}
