using System.Collections.Concurrent;
using System.Collections.Immutable;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;
using Kimg.Engine.Solver;
using Xunit;

namespace Kimg.Engine.Tests.Solver;

/// <summary>The solver knows nothing of containers, so it is tested with sums: a vertex is a number to add, its result the total.</summary>
public sealed class SolverTests
{
    private readonly MemoryCache _cache = new();
    private readonly ConcurrentBag<string> _executed = [];
    private readonly ConcurrentBag<string> _cached = [];

    [Fact]
    public async Task Executes_every_vertex_once_and_in_order_of_need()
    {
        Vertex shared = Number("shared", 1);
        Vertex root = Sum("root", Sum("left", shared), Sum("right", shared, shared));

        Assert.Equal(3, await SolveAsync(root));

        Assert.Equal(["left", "right", "root", "shared"], _executed.Order());
    }

    [Fact]
    public async Task A_second_build_executes_nothing_and_touches_only_the_root()
    {
        Vertex root = Sum("root", Number("a", 1), Number("b", 2));
        await SolveAsync(root);
        _executed.Clear();
        _cache.Loads.Clear();

        Assert.Equal(3, await SolveAsync(Sum("root", Number("a", 1), Number("b", 2))));

        Assert.Empty(_executed);
        Assert.Single(_cache.Loads);
        Assert.Equal(["a", "b", "root"], _cached.Order());
    }

    [Fact]
    public async Task What_a_found_result_was_made_from_is_kept_without_being_loaded()
    {
        Vertex root = Sum("root", Sum("left", Number("a", 1)), Number("b", 2));
        await SolveAsync(root);
        Assert.Empty(_cache.Kept);

        await SolveAsync(Sum("root", Sum("left", Number("a", 1)), Number("b", 2)));

        Assert.Equal(3, _cache.Kept.Distinct().Count());
        Assert.All(_cache.Kept, key => Assert.Contains(key, _cache.Records.Keys));
    }

    [Fact]
    public async Task A_changed_input_with_the_same_result_does_not_spread()
    {
        await SolveAsync(Sum("root", Number("a", 5)));
        _executed.Clear();

        Assert.Equal(5, await SolveAsync(Sum("root", Sum("a2", Number("x", 2), Number("y", 3)))));

        Assert.DoesNotContain("root", _executed);
        Assert.Contains("a2", _executed);
    }

    [Fact]
    public async Task An_input_that_changed_but_not_in_what_is_used_of_it_hits_by_content()
    {
        await SolveAsync(LastDigit("root", Number("a", 17)));
        _executed.Clear();

        await SolveAsync(LastDigit("root", Number("a", 27)));

        Assert.Equal(["a"], _executed);
    }

    [Fact]
    public async Task A_result_found_by_content_is_found_by_definition_the_next_time()
    {
        await SolveAsync(LastDigit("root", Number("a", 17)));
        await SolveAsync(LastDigit("root", Number("a", 27)));
        _executed.Clear();
        _cache.Loads.Clear();

        await SolveAsync(LastDigit("root", Number("a", 27)));

        Assert.Empty(_executed);
        Assert.Single(_cache.Loads);
    }

    [Fact]
    public async Task A_local_input_counts_by_content_alone()
    {
        await SolveAsync(LastDigit("root", Local("context", 17)));
        _executed.Clear();

        await SolveAsync(LastDigit("root", Local("context", 37)));

        Assert.DoesNotContain("root", _executed);
    }

    [Fact]
    public async Task Ignoring_the_cache_executes_the_vertex_and_what_depends_on_its_changed_result()
    {
        await SolveAsync(Sum("root", Number("a", 1)));
        _executed.Clear();
        _next = 41;

        Assert.Equal(42, await SolveAsync(Sum("root", Number("a", 1, ignoreCache: true))));

        Assert.Equal(["a", "root"], _executed.Order());
    }

    [Fact]
    public async Task Independent_vertices_run_side_by_side()
    {
        using var bothRunning = new Barrier(2);
        Vertex root = Sum("root", Waiting("a", bothRunning), Waiting("b", bothRunning));

        Assert.Equal(2, await SolveAsync(root).WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public async Task What_is_executed_is_not_told_as_cached_because_it_is_below_a_hit(bool hitFirst, bool asRoots)
    {
        // As with a cache of mode=min: the copy is recorded, the stage it copies from is not, and a mount needs it.
        TaskCompletionSource hit = new(), run = new();
        Vertex stage = Sum("stage", Make("gate", ["gate"])), copy = LastDigit("copy", stage), mount = Sum("mount", stage, Number("other", 1));
        await SolveAsync(stage);
        Digest[] below = [.. _cache.Records.Keys];
        await SolveAsync(copy);
        foreach (Digest key in below) _cache.Records.TryRemove(key, out _);
        _executed.Clear();
        _cached.Clear();
        _told = (name, what) => ((name, what) switch { ("copy", "cached") => hit, ("stage", "started") => run, _ => null })?.TrySetResult();
        _gate = hitFirst ? hit.Task : Task.CompletedTask;
        _cache.Found = () => hitFirst ? Task.CompletedTask : run.Task;

        ImmutableArray<Vertex> roots = asRoots ? [copy, mount] : [Sum("root", copy, mount)];
        await SolveAsync(roots).WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Equal(["copy"], _cached);
        Assert.Equal(["gate", "mount", "other", "stage"], _executed.Where(name => name != "root").Order());
    }

    [Fact]
    public async Task What_is_below_two_hits_is_told_once_and_only_when_both_are_known()
    {
        TaskCompletionSource first = new();
        Vertex shared = Sum("shared", Number("number", 17)), left = LastDigit("left", shared), right = Sum("right", shared);
        await SolveAsync([left, right]);
        int found = 0;
        _cache.Found = () => Interlocked.Increment(ref found) == 1 ? Task.CompletedTask : first.Task;
        ConcurrentQueue<string> order = [];
        _told = (name, what) =>
        {
            order.Enqueue($"{name} {what}");
            first.TrySetResult();
        };

        await SolveAsync([left, right]).WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Equal(4, order.Count);
        Assert.Equal(["number cached", "shared cached"], order.Skip(1).Take(2));
        Assert.Equal(["left cached", "right cached"], order.Where(told => told[0] is 'l' or 'r').Order());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_two_vertices_with_the_same_key_only_one_is_executed(bool atOnce)
    {
        // Either both look before one of them ends, or the result is not to be had from the storage when the second looks.
        TaskCompletionSource looked = new(), ended = new();
        Vertex left = Make("left", ["gate"], inputs: Number("a", 5)), right = Make("right", ["gate"], inputs: Make("b", ["later"]));
        _gate = atOnce ? looked.Task : Task.CompletedTask;
        _later = atOnce ? Task.CompletedTask : ended.Task;
        _cache.Keeps = atOnce;
        _cache.LookedTwice = looked;
        _told = (name, what) => ((name, what) is ("left", "executed") ? ended : null)?.TrySetResult();

        Assert.Equal(2, await SolveAsync(Sum("root", left, right)).WaitAsync(TimeSpan.FromSeconds(30)));

        Assert.Single(_executed, name => name is "left" or "right");
        Assert.Single(_cached, name => name is "left" or "right");
    }

    [Fact]
    public async Task With_the_cache_ignored_vertices_with_the_same_key_are_executed_each()
    {
        Vertex left = Sum("left", Number("a", 5, ignoreCache: true)), right = Sum("right", Number("b", 5, ignoreCache: true));
        _cache.Keeps = false;

        Assert.Equal(10, await SolveAsync(Sum("root", left, right)));

        Assert.Equal(["a", "b", "left", "right", "root"], _executed.Order());
    }

    [Fact]
    public async Task The_first_failure_cancels_the_rest_and_is_what_the_caller_gets()
    {
        Vertex root = Sum("root", Failing("bad"), Endless("slow"));

        KimgException error = await Assert.ThrowsAsync<KimgException>(() => SolveAsync(root)).WaitAsync(TimeSpan.FromSeconds(30));

        Assert.Equal(ErrorCode.StepFailed, error.Code);
    }

    [Fact]
    public async Task Cancelling_stops_what_is_running()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => SolveAsync(Endless("slow"), stop.Token));
    }

    [Fact]
    public async Task A_failed_vertex_is_not_recorded()
    {
        await Assert.ThrowsAsync<KimgException>(() => SolveAsync(Sum("root", Failing("bad"))));

        Assert.Empty(_cache.Records);
    }

    [Fact]
    public async Task A_chain_of_ten_thousand_vertices_does_not_overflow_the_stack()
    {
        Vertex chain = Number("0", 1);
        for (int i = 1; i < 10_000; i++) chain = Sum($"{i}", chain);

        Assert.Equal(1, await SolveAsync(chain));
        Assert.Equal(1, await SolveAsync(chain));
    }

    private Action<string, string> _told = static (_, _) => { };
    private Task _gate = Task.CompletedTask, _later = Task.CompletedTask;
    private int _next;

    private async Task<int> SolveAsync(Vertex root, CancellationToken cancellationToken = default) => (await SolveAsync([root], cancellationToken))[0];

    private async Task<int[]> SolveAsync(ImmutableArray<Vertex> roots, CancellationToken cancellationToken = default)
    {
        var solver = new Solver<Total>(Resolve, _cache, new Observer(this), cancellationToken);
        return [.. (await solver.SolveAsync(roots)).Select(total => total.Value)];
    }

    // The operation is told by the arguments of an ExecOp: any record will do for the graph.
    private IOp<Total> Resolve(Vertex vertex)
    {
        var args = ((ExecOp)vertex.Op).Args;
        int inputs = vertex.Inputs.Length;
        return args[0] switch
        {
            "number" => new FakeOp(vertex, (_, _) => Task.FromResult(int.Parse(args[1]) + _next), inputs),
            "sum" => new FakeOp(vertex, (totals, _) => Task.FromResult(totals.Sum(t => t.Value)), inputs),
            "last-digit" => new FakeOp(vertex, (totals, _) => Task.FromResult(totals[0].Value % 10), inputs, content: t => t.Value % 10),
            "local" => new FakeOp(vertex, (_, _) => Task.FromResult(int.Parse(args[1])), inputs, policy: CachePolicy.ContentOnly),
            "wait" => new FakeOp(vertex, (_, _) => Task.Run(() => _barriers[args[1]].SignalAndWait(TimeSpan.FromSeconds(20)) ? 1 : 0), inputs),
            "gate" => new FakeOp(vertex, (_, token) => AfterAsync(_gate, 1, token), inputs),
            "later" => new FakeOp(vertex, (_, token) => AfterAsync(_later, 5, token), inputs),
            "fail" => new FakeOp(vertex, (_, _) => throw new KimgException(ErrorCode.StepFailed, "failed"), inputs),
            _ => new FakeOp(vertex, (_, token) => new TaskCompletionSource<int>().Task.WaitAsync(token), inputs),
        };
    }

    private static async Task<int> AfterAsync(Task gate, int value, CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        return value;
    }

    private readonly Dictionary<string, Barrier> _barriers = [];

    private static Vertex Make(string name, ImmutableArray<string> args, bool ignoreCache = false, params Vertex[] inputs) =>
        new(new ExecOp { Args = args }, [.. inputs], new VertexMeta(name) { IgnoreCache = ignoreCache });

    private static Vertex Number(string name, int value, bool ignoreCache = false) => Make(name, ["number", $"{value}", name], ignoreCache);

    private static Vertex Local(string name, int value) => Make(name, ["local", $"{value}"]);

    private static Vertex Sum(string name, params Vertex[] inputs) => Make(name, ["sum"], inputs: inputs);

    private static Vertex LastDigit(string name, Vertex input) => Make(name, ["last-digit"], inputs: input);

    private static Vertex Failing(string name) => Make(name, ["fail"]);

    private static Vertex Endless(string name) => Make(name, ["endless"]);

    private Vertex Waiting(string name, Barrier barrier)
    {
        _barriers[name] = barrier;
        return Make(name, ["wait", name]);
    }

    private sealed record Total(int Value) : ISolverResult
    {
        public Digest Id => Digest.Sha256($"total {Value}");
    }

    private sealed class FakeOp(
        Vertex vertex,
        Func<ImmutableArray<Total>, CancellationToken, Task<int>> run,
        int inputs,
        Func<Total, int>? content = null,
        CachePolicy policy = CachePolicy.Recorded)
        : IOp<Total>
    {
        public CacheMap<Total> CacheMap { get; } = new()
        {
            Digest = OpDigest.Of(vertex.Op),
            Policy = policy,
            Inputs = [.. Enumerable.Repeat<ContentDigest<Total>?>(
                content is null ? null : (total, _) => Task.FromResult(Digest.Sha256($"used {content(total)}")), inputs)],
        };

        public async Task<Total> ExecuteAsync(ImmutableArray<Total> totals, CancellationToken cancellationToken) => new(await run(totals, cancellationToken));
    }

    private sealed class MemoryCache : ICacheStorage<Total>
    {
        public ConcurrentDictionary<Digest, Total> Records { get; } = new();

        public ConcurrentBag<Digest> Loads { get; } = [];

        /// <summary>False: what is saved is not to be had, as a layer that nobody has written yet.</summary>
        public bool Keeps { get; set; } = true;

        /// <summary>What a load that finds something waits for.</summary>
        public Func<Task> Found { get; set; } = static () => Task.CompletedTask;

        /// <summary>Set when a key has been looked up in vain a second time.</summary>
        public TaskCompletionSource? LookedTwice { get; set; }

        public ConcurrentBag<Digest> Kept { get; } = [];

        public void Keep(Digest key) => Kept.Add(key);

        public async Task<Total?> LoadAsync(Digest key, CancellationToken cancellationToken)
        {
            Loads.Add(key);
            if (Records.TryGetValue(key, out Total? found)) await Found().WaitAsync(cancellationToken);
            else if (LookedTwice is not null && Loads.Count(k => k == key) > 1) LookedTwice.TrySetResult();
            return found;
        }

        public Task SaveAsync(IReadOnlyList<Digest> keys, Total result, CancellationToken cancellationToken)
        {
            foreach (Digest key in Keeps ? keys : []) Records[key] = result;
            return Task.CompletedTask;
        }
    }

    private sealed class Observer(SolverTests test) : ISolverObserver
    {
        public void Started(Vertex vertex)
        {
            test._executed.Add(vertex.Meta.Name);
            test._told(vertex.Meta.Name, "started");
        }

        public void Completed(Vertex vertex, bool cached, Exception? error)
        {
            if (cached) test._cached.Add(vertex.Meta.Name);
            test._told(vertex.Meta.Name, cached ? "cached" : "executed");
        }
    }
}
