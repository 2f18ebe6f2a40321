using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Conformance;

/// <summary>A registry with the base images, one state directory, and every case built once, two at a time.</summary>
public sealed class Machine : IAsyncLifetime
{
    internal static bool Records { get; } = Environment.GetEnvironmentVariable("KIMG_RECORD_VECTORS") == "1";
    internal static bool RecordsAll { get; } = Environment.GetEnvironmentVariable("KIMG_RECORD_ALL") == "1";
    private readonly TempDirectory _work = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<JsonObject>> _results = new();
    private readonly ConcurrentDictionary<string, Task<JsonObject>> _asked = new();
    private DebianRegistry? _registry;
    private CaseServer? _server;
    private Builder? _peer;
    private Task _building = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        _registry = await DebianRegistry.StartAsync();
        await BaseImages.PushAsync(_registry.Host, _work);
        _server = new CaseServer(_work["served"]);
        foreach (string name in BuildCase.Names)
            _results[name] = new TaskCompletionSource<JsonObject>();
        string[] command = [RepositoryFiles.Kimg, "build", "--state-dir", _work["state"], "--network=host", "--allow=network.host"];
        Builder kimg = new(command, _work["kimg"], _registry.Host, _server, peer: null);
        if (Records) UsePeer(await Peer.FindAsync() ?? throw new InvalidOperationException("there is no BuildKit to record from"));
        _building = Parallel.ForEachAsync(BuildCase.Names, new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (name, cancellationToken) =>
        {
            try
            {
                BuildCase build = BuildCase.Read(name);
                await _server.AddAsync(build);
                if (Records && (RecordsAll || !File.Exists(build.ExpectedFile)) && !build.IsByHand)
                    await File.WriteAllTextAsync(build.ExpectedFile, Expectation.Format(await AskAsync(build)), cancellationToken);
                JsonObject result = await kimg.BuildAsync(build);
                if (Records && build.IsByHand && !File.Exists(build.ExpectedFile))
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

    internal void UsePeer(Peer peer)
    {
        string share = Path.Combine(Environment.GetEnvironmentVariable("KIMG_PEER_SHARE") ?? Path.GetTempPath(), $"conformance-{Environment.ProcessId}");
        Directory.CreateDirectory(share);
        _peer = new Builder(peer.Command, share, _registry!.Host, _server!, peer);
    }

    /// <summary>What the peer makes of a case.</summary>
    internal Task<JsonObject> AskAsync(BuildCase build) => _asked.GetOrAdd(build.Name, _ => _peer!.BuildAsync(build));

    public async Task DisposeAsync()
    {
        await _building;
        _server?.Dispose();
        _registry?.Dispose();
        _work.Dispose();
    }
}
