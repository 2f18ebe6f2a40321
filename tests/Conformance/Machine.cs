using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Conformance;

/// <summary>A registry with the base images, one state directory, and every case built once, two at a time.</summary>
public sealed class Machine : IAsyncLifetime
{
    private static readonly string? s_peer = Environment.GetEnvironmentVariable("KIMG_PEER_BUILDX");
    private static readonly bool s_record = Environment.GetEnvironmentVariable("KIMG_RECORD_VECTORS") == "1";
    private readonly TempDirectory _work = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<JsonObject>> _results = new();
    private DebianRegistry? _registry;
    private Task _building = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        _registry = await DebianRegistry.StartAsync();
        await BaseImages.PushAsync(_registry.Host, _work);
        foreach (string name in BuildCase.Names)
            _results[name] = new TaskCompletionSource<JsonObject>();
        Builder kimg = new(
            [RepositoryFiles.Kimg, "build", "--state-dir", _work["state"], "--network=host", "--allow=network.host"], _work["kimg"], _registry.Host, peer: false);
        Builder? peer = Peer(_registry.Host);
        _building = Parallel.ForEachAsync(BuildCase.Names, new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (name, cancellationToken) =>
        {
            try
            {
                BuildCase build = BuildCase.Read(name);
                if (peer is not null && !build.IsByHand)
                    await AskPeerAsync(peer, build);
                JsonObject result = await kimg.BuildAsync(build);
                if (s_record && build.IsByHand && !File.Exists(build.ExpectedFile))
                    await File.WriteAllTextAsync(build.ExpectedFile, Expectation.Format(result), cancellationToken);
                _results[name].SetResult(result);
            }
            catch (Exception e)
            {
                _results[name].SetException(e);
            }
        });
    }

    internal Task<JsonObject> ResultAsync(string name) => _results[name].Task;

    public async Task DisposeAsync()
    {
        await _building;
        _registry?.Dispose();
        _work.Dispose();
    }

    private Builder? Peer(string registry)
    {
        if (s_peer is not { Length: > 0 }) return null;
        string share = Path.Combine(Environment.GetEnvironmentVariable("KIMG_PEER_SHARE") ?? Path.GetTempPath(), $"conformance-{Environment.ProcessId}");
        Directory.CreateDirectory(share);
        return new Builder([.. s_peer.Split(' '), "build", "--network=host"], share, registry, peer: true);
    }

    /// <summary>Recording writes what BuildKit did; otherwise a BuildKit that is here must still do what is recorded.</summary>
    private static async Task AskPeerAsync(Builder peer, BuildCase build)
    {
        if (s_record && File.Exists(build.ExpectedFile) && Environment.GetEnvironmentVariable("KIMG_RECORD_ALL") != "1") return;
        JsonObject result = await peer.BuildAsync(build);
        if (s_record)
            await File.WriteAllTextAsync(build.ExpectedFile, Expectation.Format(result));
        else if (Expectation.Compare(Expectation.Read(build.ExpectedFile), result) is { Count: > 0 } changes)
            throw new InvalidDataException($"this BuildKit does not do what was recorded:\n{string.Join('\n', changes)}");
    }
}
