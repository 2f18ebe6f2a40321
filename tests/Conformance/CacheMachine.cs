using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Conformance;

/// <summary>A registry with the base images, and every edit of <c>tests/vectors/caches</c> built once, two at a time.</summary>
public sealed class CacheMachine : IAsyncLifetime
{
    private static readonly JsonSerializerOptions s_format = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly TempDirectory _work = new();
    private readonly ConcurrentDictionary<(string Project, string Edit), TaskCompletionSource<JsonObject>> _results = new();
    private DebianRegistry? _registry;
    private Task _building = Task.CompletedTask;
    private int _states;

    public async Task InitializeAsync()
    {
        _registry = await DebianRegistry.StartAsync();
        await BaseImages.PushAsync(_registry.Host, _work);
        foreach (CacheCase project in Machine.Records ? CacheCase.All : [])
            await RecordAsync(project, await Peer.FindAsync() ?? throw new InvalidOperationException("there is no BuildKit to record from"));
        string[] command = [RepositoryFiles.Kimg, "build", "--network=host", "--allow=network.host"];
        CacheBuilder kimg = new(command, Directory.CreateDirectory(_work["kimg"]).FullName, NewStateAsync, _registry.Host, "kimg", isBuildctl: false, CacheEditTests.IsCompared);
        foreach (CacheEdit edit in CacheCase.All.SelectMany(project => project.Edits)) _results[(edit.Case.Name, edit.Name)] = new TaskCompletionSource<JsonObject>();
        _building = Task.Run(async () =>
        {
            foreach (CacheCase project in CacheCase.All)
                await BuildAsync(kimg, project, parallel: 2, (edit, built) => _results[(edit.Case.Name, edit.Name)].SetResult(built));
        });
        _ = _building.ContinueWith(failed =>
        {
            foreach (TaskCompletionSource<JsonObject> result in _results.Values) result.TrySetException(failed.Exception!);
        }, TaskContinuationOptions.OnlyOnFaulted);
    }

    public async Task DisposeAsync()
    {
        await Task.WhenAny(_building);
        _registry?.Dispose();
        _work.Dispose();
    }

    /// <summary>What kimg makes of an edit.</summary>
    internal Task<JsonObject> ResultAsync(CacheEdit edit) => _results[(edit.Case.Name, edit.Name)].Task;

    /// <summary>What the peer makes of a project's edits, one after the other: its cache is emptied before each.</summary>
    internal async Task<JsonObject> AskAsync(CacheCase project, Peer peer, Func<CacheEdit, bool> wanted)
    {
        string share = Path.Combine(Environment.GetEnvironmentVariable("KIMG_PEER_SHARE") ?? Path.GetTempPath(), $"caches-{Environment.ProcessId}");
        JsonObject edits = [];
        try
        {
            CacheBuilder builder = new(peer.Command, Directory.CreateDirectory(share).FullName, ForgetAsync, _registry!.Host, "peer", peer.IsBuildctl);
            await BuildAsync(builder, project, parallel: 1, (edit, built) => edits[edit.Name] = built, wanted);
        }
        finally
        {
            await HostProgram.MustAsync("rm", "-rf", share);
        }

        return edits;

        async Task<IReadOnlyList<string>> ForgetAsync()
        {
            await peer.PruneAsync();
            return [];
        }
    }

    private static async Task BuildAsync(CacheBuilder builder, CacheCase project, int parallel, Action<CacheEdit, JsonObject> built, Func<CacheEdit, bool>? wanted = null)
    {
        CacheEdit[] edits = [.. project.Edits.Where(wanted ?? (_ => true))];
        if (edits.Length > 0) await builder.ExportAsync(project);
        // The base's name stands for one image at a time.
        foreach (IGrouping<string, CacheEdit> group in edits.GroupBy(edit => edit.Base))
        {
            await builder.BaseAsync(project, group.Key);
            await Parallel.ForEachAsync(group, new ParallelOptions { MaxDegreeOfParallelism = parallel }, async (edit, _) => built(edit, await builder.BuildAsync(edit)));
        }
    }

    private Task<IReadOnlyList<string>> NewStateAsync() =>
        Task.FromResult<IReadOnlyList<string>>(["--state-dir", _work[string.Create(CultureInfo.InvariantCulture, $"state-{Interlocked.Increment(ref _states)}")]]);

    private async Task RecordAsync(CacheCase project, Peer peer)
    {
        JsonObject known = File.Exists(project.ExpectedFile) && !Machine.RecordsAll ? project.Expected["edits"]!.AsObject() : [];
        JsonObject asked = await AskAsync(project, peer, edit => !known.ContainsKey(edit.Name)), all = [];
        foreach (CacheEdit edit in project.Edits) all[edit.Name] = (asked[edit.Name] ?? known[edit.Name])!.DeepClone();
        await File.WriteAllTextAsync(project.ExpectedFile, new JsonObject { ["by"] = peer.Version, ["edits"] = all }.ToJsonString(s_format) + "\n");
    }
}
