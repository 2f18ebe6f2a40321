using System.Collections.Concurrent;
using System.Collections.Immutable;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Solver;

/// <summary>Gives the results of vertices with the least work: looks one up by its definition, then, with its inputs solved, by their results and by the content it uses of
/// them, and executes it only when none is known. Knows nothing of containers. One instance is one build: a vertex is solved once however many
/// ask, independent vertices side by side. Neither what is executed nor what is told of it depends on what ends first.</summary>
/// <remarks>
/// Three keys, tried in this order; a hit is recorded under those tried before it:
/// <list type="bullet">
/// <item>definition: the operation and its inputs' definition keys. Needs no input solved, so what is below a hit is never touched.</item>
/// <item>result: the operation and the ids of its inputs' results.</item>
/// <item>content: as result, but inputs with a content digest enter by that instead.</item>
/// </list>
/// </remarks>
internal sealed class Solver<TResult>(
    Func<Vertex, IOp<TResult>> resolve,
    ICacheStorage<TResult> storage,
    ISolverObserver observer,
    CancellationToken cancellationToken)
    where TResult : class, ISolverResult
{
    private readonly ConcurrentDictionary<Digest, Node> _nodes = new();
    private readonly Dictionary<Digest, Node> _executed = [];
    private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

    /// <summary>Told every result, from any thread, as soon as it is known; not those below a hit, which are never looked at.</summary>
    public Action<Vertex, TResult>? Solved { get; init; }

    /// <summary>The results of everything the build wants; called once. The first failure cancels everything still running, and is what the caller gets.</summary>
    public async Task<ImmutableArray<TResult>> SolveAsync(ImmutableArray<Vertex> roots)
    {
        CountAskers(roots);
        try
        {
            return [.. await Task.WhenAll(roots.Select(root => ResultOf(NodeOf(root))))];
        }
        catch (Exception) when (_failure is { } failure && !cancellationToken.IsCancellationRequested)
        {
            failure.Throw();
            throw;
        }
    }

    /// <summary>What is known of vertices after they, or those above them, were solved: nothing is executed for it. Vertices that are not recorded are left out.</summary>
    public async Task<IReadOnlyList<SolvedVertex<TResult>>> KnownAsync(IEnumerable<Vertex> vertices)
    {
        var known = new List<SolvedVertex<TResult>>();
        foreach (Vertex vertex in vertices)
        {
            if (!_nodes.TryGetValue(vertex.Digest, out Node? node) || node.Op.CacheMap.Policy != CachePolicy.Recorded) continue;
            Digest? definition = node.Definition is { IsCompletedSuccessfully: true } computed ? await computed : null;
            TResult? result = node.Result is { IsCompletedSuccessfully: true } solved ? await solved : null;
            // Below a hit a vertex has only its definition; of what is executed anew it says nothing.
            if (result is null && definition is { } key && !node.Fresh) result = await storage.LoadAsync(key, cancellationToken);
            IEnumerable<Digest> keys = definition is { } d ? [d, .. node.Keys] : node.Keys;
            if (result is not null) known.Add(new SolvedVertex<TResult>(vertex, [.. keys.Distinct()], result));
        }

        return known;
    }

    private System.Runtime.ExceptionServices.ExceptionDispatchInfo? _failure;

    private Node NodeOf(Vertex vertex) =>
        _nodes.GetOrAdd(vertex.Digest, static (_, a) => new Node(a.vertex, a.self.Resolve(a.vertex)), (vertex, self: this));

    private IOp<TResult> Resolve(Vertex vertex) => resolve(vertex);

    private void CountAskers(IEnumerable<Vertex> roots)
    {
        var pending = new Stack<Vertex>(roots);
        while (pending.TryPop(out Vertex? vertex))
        {
            if (NodeOf(vertex).Askers++ > 0) continue;
            foreach (Vertex input in vertex.Inputs) pending.Push(input);
        }
    }

    private Task<TResult> ResultOf(Node node)
    {
        lock (node) return node.Result ??= Task.Run(() => ComputeAsync(node), _stop.Token);
    }

    private Task<Digest?> DefinitionOf(Node node)
    {
        lock (node) return node.Definition ??= ComputeDefinitionAsync(node);
    }

    private async Task<TResult> ComputeAsync(Node node)
    {
        try
        {
            TResult result = await LookUpOrExecuteAsync(node);
            Solved?.Invoke(node.Vertex, result);
            return result;
        }
        catch (Exception error) when (Fail(error))
        {
            throw;
        }
    }

    // A filter that never catches: it records the first real failure and stops the rest of the build.
    private bool Fail(Exception error)
    {
        if (error is OperationCanceledException && _stop.IsCancellationRequested) return false;
        Interlocked.CompareExchange(ref _failure, System.Runtime.ExceptionServices.ExceptionDispatchInfo.Capture(error), null);
        _stop.Cancel();
        return false;
    }

    private async Task<TResult> LookUpOrExecuteAsync(Node node)
    {
        CacheMap<TResult> map = node.Op.CacheMap;
        if (map.Policy != CachePolicy.Recorded) return await ExecuteAsync(node, [], await InputsOf(node));

        bool lookUp = !node.Vertex.Meta.IgnoreCache;
        var tried = new List<Digest>(3);
        if (await DefinitionOf(node) is { } definition && await FindAsync(node, definition, tried, lookUp && !node.Fresh) is { } defined) return defined;
        ImmutableArray<TResult> inputs = await InputsOf(node);
        if (inputs.Length > 0)
        {
            Digest[] digests = await DigestsOf(node, inputs, i => NodeOf(node.Vertex.Inputs[i]).Op.CacheMap.Policy == CachePolicy.ContentOnly);
            Digest byResult = CacheKey.Of("result", map.Digest, digests);
            if (await FindAsync(node, byResult, tried, lookUp) is { } known) return known;
        }

        if (map.Inputs.Any(i => i is not null))
        {
            Digest byContent = CacheKey.Of("content", map.ByContent ?? map.Digest, await DigestsOf(node, inputs, _ => true));
            if (await FindAsync(node, byContent, tried, lookUp) is { } same) return same;
        }

        return !node.Fresh && ExecutedLike(node, tried) is { } like ? await ShareAsync(node, tried, like) : await ExecuteAsync(node, tried, inputs);
    }

    // Another vertex with one of these keys that is being executed or was: whether it has ended, and whether the storage already gives its result, is a matter of time.
    // Null: there is none; this one is to be executed, and from now on it stands for its keys.
    private Node? ExecutedLike(Node node, List<Digest> keys)
    {
        lock (_executed)
        {
            Node? like = keys.Select(key => _executed.GetValueOrDefault(key)).FirstOrDefault(other => other is not null);
            foreach (Digest key in keys) _executed.TryAdd(key, like ?? node);
            return like;
        }
    }

    private async Task<TResult> ShareAsync(Node node, List<Digest> keys, Node like)
    {
        TResult result = await ResultOf(like);
        node.Keys = [.. keys];
        await storage.SaveAsync(node.Keys, result, _stop.Token);
        MarkCached(node);
        return result;
    }

    private async Task<TResult?> FindAsync(Node node, Digest key, List<Digest> tried, bool lookUp)
    {
        TResult? found = lookUp ? await storage.LoadAsync(key, _stop.Token) : null;
        if (found is null)
        {
            tried.Add(key);
            return null;
        }

        node.Keys = [.. tried, key];
        if (tried.Count > 0) await storage.SaveAsync(node.Keys, found, _stop.Token);
        MarkCached(node);
        return found;
    }

    private async Task<TResult> ExecuteAsync(Node node, List<Digest> keys, ImmutableArray<TResult> inputs)
    {
        observer.Started(node.Vertex);
        TResult result;
        try
        {
            result = await node.Op.ExecuteAsync(inputs, _stop.Token);
        }
        catch (Exception error)
        {
            observer.Completed(node.Vertex, cached: false, error);
            throw;
        }

        node.Keys = [.. keys];
        if (keys.Count > 0) await storage.SaveAsync(keys, result, _stop.Token);
        observer.Completed(node.Vertex, cached: false, null);
        return result;
    }

    // What is below a hit and nobody has asked for is, for whoever watches, as cached as the hit itself: as soon as nobody can ask for it any more. Vertices that were
    // solved by asking for their inputs need not say that they ask no more.
    private void MarkCached(Node hit)
    {
        var reached = new List<Node>();
        var pending = new Stack<Node>([hit]);
        while (pending.TryPop(out Node? node))
        {
            reached.Add(node);
            foreach (Node input in node.Vertex.Inputs.Select(NodeOf))
            {
                if (Interlocked.Decrement(ref input.Askers) == 0 && input.Result is null) pending.Push(input);
            }
        }

        for (int i = reached.Count - 1; i >= 0; i--)
        {
            if (i > 0 && reached[i] is { Fresh: false, Definition: { IsCompletedSuccessfully: true, Result: { } definition } }) storage.Keep(definition);
            if (reached[i].Op.CacheMap.Policy != CachePolicy.ContentOnly) observer.Completed(reached[i].Vertex, cached: true, null);
        }
    }

    private async Task<ImmutableArray<TResult>> InputsOf(Node node) =>
        [.. await Task.WhenAll(node.Vertex.Inputs.Select(input => ResultOf(NodeOf(input))))];

    private async Task<Digest[]> DigestsOf(Node node, ImmutableArray<TResult> inputs, Func<int, bool> useContent) =>
        await Task.WhenAll(inputs.Select((input, i) =>
            useContent(i) && node.Op.CacheMap.Inputs.ElementAtOrDefault(i) is { } content
                ? content(input, _stop.Token)
                : Task.FromResult(input.Id)));

    // Null when an input has neither a definition nor a content digest to stand for it.
    private async Task<Digest?> ComputeDefinitionAsync(Node node)
    {
        // A chain of thousands of instructions must not become as many stack frames.
        await Task.Yield();
        CacheMap<TResult> map = node.Op.CacheMap;
        node.Fresh = node.Vertex.Meta.IgnoreCache;
        if (map.Policy == CachePolicy.ContentOnly) return null;
        var keys = new List<Digest>(node.Vertex.Inputs.Length);
        for (int i = 0; i < node.Vertex.Inputs.Length; i++)
        {
            Node input = NodeOf(node.Vertex.Inputs[i]);
            Digest? key = await DefinitionOf(input);
            if (key is null && map.Inputs.ElementAtOrDefault(i) is { } content) key = await content(await ResultOf(input), _stop.Token);
            if (key is null) return null;
            node.Fresh |= input.Fresh;
            keys.Add(key.Value);
        }

        return CacheKey.Of("definition", map.Digest, keys);
    }

    private sealed class Node(Vertex vertex, IOp<TResult> op)
    {
        public Vertex Vertex { get; } = vertex;

        public IOp<TResult> Op { get; } = op;

        public Task<Digest?>? Definition { get; set; }

        public Task<TResult>? Result { get; set; }

        /// <summary>How many of the vertices above it, and of the build's roots, may still ask for its result.</summary>
        public int Askers;

        /// <summary>Under which its result is recorded, as far as they were looked at.</summary>
        public ImmutableArray<Digest> Keys { get; set; } = [];

        /// <summary>It, or something below it, must be executed anew: its definition says nothing about what is recorded. Set with the definition.</summary>
        public bool Fresh { get; set; }
    }
}

/// <param name="Keys">Under which the result is recorded, as far as this build knows.</param>
internal sealed record SolvedVertex<TResult>(Vertex Vertex, ImmutableArray<Digest> Keys, TResult Result);
