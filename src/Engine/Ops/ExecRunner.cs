using System.Collections.Immutable;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Solver;

namespace Kimg.Engine.Ops;

/// <summary>RUN: makes the directories of what the step mounts, runs it in the worker, and keeps what it changed as a layer.</summary>
internal sealed class ExecRunner : IOp<OpResult>
{
    private readonly ExecOp _op;
    private readonly VertexMeta _meta;
    private readonly StepEnvironment _environment;
    private readonly Directories _directories;
    private readonly StepOutput _output;

    public ExecRunner(ExecOp op, int inputCount, VertexMeta meta, StepEnvironment environment, Directories directories, StepOutput output)
    {
        (_op, _meta, _environment, _directories, _output) = (op, meta, environment, directories, output);
        CacheMap = new CacheMap<OpResult>
        {
            Digest = OpDigest.Of(Essence(op)),
            ByContent = OpDigest.Of(Moved(Essence(op))),
            Inputs = [.. Enumerable.Range(0, inputCount).Select(ContentOf)],
        };
    }

    public CacheMap<OpResult> CacheMap { get; }

    public async Task<OpResult> ExecuteAsync(ImmutableArray<OpResult> inputs, CancellationToken cancellationToken)
    {
        var root = new Snapshot(await inputs[0].LayersAsync(cancellationToken));
        await _directories.EnsureAsync(root, cancellationToken);
        await using StepMounts mounts = await StepMounts.PrepareAsync(_op, inputs, _environment, _directories, cancellationToken);
        Digest id = Digest.Sha256(Guid.NewGuid().ToByteArray());
        SnapshotKey key = SnapshotKey.Of(root.Chain.IsEmpty ? null : root.Chain[^1], id);
        StepRequest request = RequestOf(root, key, mounts);

        await _environment.Slots.WaitAsync(cancellationToken);
        try
        {
            Check(await RunAsync(request, mounts, cancellationToken));
        }
        finally
        {
            _environment.Slots.Release();
        }

        return root.Append(new DirectoryLayer(id, key, _environment.Worker) { Created = _environment.Time.GetUtcNow() });
    }

    // What is behind a cache mount or a host's name is not known to the key anyway, so that neither which mount it is nor the address counts.
    private static ExecOp Essence(ExecOp op) => op with
    {
        Mounts = [.. op.Mounts.Select(mount => mount is CacheMount cache ? cache with { Id = "", Sharing = CacheSharing.Shared } : mount)],
        ExtraHosts = [.. op.ExtraHosts.Select(host => host with { Address = "" })],
    };

    // A directory that is moved together with its mount gives the same.
    private static ExecOp Moved(ExecOp op) => op with
    {
        Mounts = [.. op.Mounts.Select(mount => mount is BindMount { Input: > 0 } bind ? bind with { Source = "" } : mount)],
    };

    // The root file system counts by its identity; read-only binds by what they show.
    private ContentDigest<OpResult>? ContentOf(int input)
    {
        // Mounts of the same stage or context share an input: each of them counts.
        ImmutableArray<string> sources =
        [
            .. _op.Mounts.Select(mount => mount switch
            {
                BindMount bind when bind.Input == input => bind.Source,
                CacheMount cache when cache.Input == input => cache.Source,
                _ => null,
            }).OfType<string>(),
        ];
        if (input == 0 || sources.IsEmpty) return null;
        return async (result, cancellationToken) =>
        {
            IFileTree tree = await result.TreeAsync(cancellationToken);
            var digests = new List<Digest>();
            foreach (string source in sources) digests.Add(await ContentDigests.OfTreeAsync(tree, ImagePath.Normalize(source), cancellationToken));
            return digests is [var only] ? only : Digest.Sha256(string.Join('\n', digests));
        };
    }

    private StepRequest RequestOf(Snapshot root, SnapshotKey key, StepMounts mounts) => new()
    {
        Root = root.Chain,
        Result = key,
        Args = _op.Args,
        Env = [.. _op.Env, .. _op.ProxyEnv],
        WorkingDirectory = _op.WorkingDirectory,
        User = _op.User,
        Hostname = _op.Hostname ?? "buildkitsandbox",
        Network = _op.Network == NetworkMode.Default ? _environment.Network : _op.Network,
        Security = _op.Security,
        HostsFile = NetworkFiles.Hosts(_op.Hostname ?? "buildkitsandbox", _op.ExtraHosts),
        ResolvConf = _environment.ResolvConf,
        Ulimits = _op.Ulimits,
        ShmSize = _op.ShmSize,
        Mounts = mounts.Mounts,
        ForeignArchitecture = ForeignArchitecture,
        Emulator = ForeignArchitecture is { } foreign ? _environment.Emulator(foreign) : null,
    };

    // A 64-bit PC runs the programs of its predecessor.
    private string? ForeignArchitecture => _op.Platform is not null && Platform.Parse(_op.Platform).Architecture is var architecture
        && architecture != Platform.Host.Architecture && (Platform.Host.Architecture, architecture) is not ("amd64", "386") ? architecture : null;

    private async Task<StepResult> RunAsync(StepRequest request, StepMounts mounts, CancellationToken cancellationToken)
    {
        await using var stdout = new OutputPipe(data => _output(1, data));
        await using var stderr = new OutputPipe(data => _output(2, data));
        var io = new StepIo(stdout.Writer, stderr.Writer) { Files = mounts.Files, SecretEnv = mounts.SecretEnv };
        Task<StepResult> run = _environment.Worker.RunAsync(request, io, cancellationToken);
        stdout.CloseWriterAfter(run);
        stderr.CloseWriterAfter(run);
        StepResult result = await run;
        await Task.WhenAll(stdout.Drained, stderr.Drained);
        return result;
    }

    private void Check(StepResult result)
    {
        if (result.ExitCode == 0) return;
        string command = string.Join(' ', _op.Args);
        throw new KimgException(
            result.OutOfMemory ? ErrorCode.StepOutOfMemory : ErrorCode.StepFailed,
            $"process '{command}' did not complete successfully: "
                + (result.OutOfMemory ? "out of memory" : result.Signal is { } signal ? $"killed by signal {signal}" : $"exit code {result.ExitCode}"))
        {
            Span = _meta.Span,
            StepExitCode = result.ExitCode,
            Hint = result.ExitCode switch
            {
                126 => "the command is there but cannot be executed: look at its mode, its interpreter line and its architecture",
                127 => "the command was not found in the image: look at its name, at PATH and at the base image",
                137 => "the process was killed, most often for lack of memory",
                _ => null,
            },
        };
    }
}
