using System.Collections.Immutable;
using Kimg.Engine.Graph;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Ops;

/// <summary>The RUN --mounts of one step, resolved: trees made into directories, cache mounts locked, secrets read, agents forwarded. Disposed when the
/// step has ended.</summary>
internal sealed class StepMounts : IAsyncDisposable
{
    private readonly List<StepMount> _mounts = [];
    private readonly List<string> _secretEnv = [];
    private readonly List<SafeFileHandle> _files = [];
    private readonly List<IDisposable> _held = [];
    private readonly List<IAgentForward> _agents = [];

    public ImmutableArray<StepMount> Mounts => [.. _mounts];

    public ImmutableArray<string> SecretEnv => [.. _secretEnv];

    public ImmutableArray<SafeFileHandle> Files => [.. _files];

    public static async Task<StepMounts> PrepareAsync(
        ExecOp op, ImmutableArray<OpResult> inputs, StepEnvironment environment, Directories directories, CancellationToken cancellationToken)
    {
        var mounts = new StepMounts();
        try
        {
            // Locks are taken in one order, so that two steps with the same two caches cannot wait for each other.
            foreach (ExecMount mount in op.Mounts.OrderBy(m => m is CacheMount cache ? cache.Id : "", StringComparer.Ordinal))
                await mounts.AddAsync(mount, inputs, environment, directories, cancellationToken);
            foreach (SecretEnv secret in op.SecretEnv) await mounts.AddAsync(secret, environment, cancellationToken);
            return mounts;
        }
        catch
        {
            await mounts.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IDisposable held in _held) held.Dispose();
        foreach (SafeFileHandle file in _files) file.Dispose();
        foreach (IAgentForward agent in _agents) await agent.DisposeAsync();
    }

    private async Task AddAsync(
        ExecMount mount, ImmutableArray<OpResult> inputs, StepEnvironment environment, Directories directories, CancellationToken cancellationToken)
    {
        switch (mount)
        {
            case BindMount bind:
                _mounts.Add(await TreeAsync(bind.Target, inputs[bind.Input], bind.Source, bind.ReadOnly, directories, cancellationToken));
                break;
            case CacheMount cache:
                await AddCacheAsync(cache, inputs, environment, directories, cancellationToken);
                break;
            case TmpfsMount tmpfs:
                _mounts.Add(new EmptyMount(tmpfs.Target, tmpfs.Size));
                break;
            case SecretMount secret:
                if (await ValueAsync(secret.Id, secret.Required, environment, cancellationToken) is not { } value) break;
                _files.Add(Descriptors.Memory("secret", value));
                _mounts.Add(new FileMount(secret.Target, _files.Count - 1, secret.Mode, (uint)secret.Uid, (uint)secret.Gid));
                break;
            case SshMount ssh:
                AddAgent(ssh, environment);
                break;
            default:
                throw new System.Diagnostics.UnreachableException($"mount {mount.GetType().Name}");
        }
    }

    private static async Task<TreeMount> TreeAsync(
        string target, OpResult input, string source, bool readOnly, Directories directories, CancellationToken cancellationToken)
    {
        Snapshot snapshot = input switch
        {
            ContextResult context => new Snapshot([await context.LayerOfAsync(ImagePath.Normalize(source), cancellationToken)]),
            _ => new Snapshot(await input.LayersAsync(cancellationToken)),
        };
        await directories.EnsureAsync(snapshot, cancellationToken);
        return new TreeMount(target, snapshot.Chain, source, readOnly);
    }

    private async Task AddCacheAsync(
        CacheMount cache, ImmutableArray<OpResult> inputs, StepEnvironment environment, Directories directories, CancellationToken cancellationToken)
    {
        CacheMountLock held = await CacheMountLock.AcquireAsync(Path.Combine(environment.StateDirectory, "mounts"), cache, cancellationToken);
        _held.Add(held);
        await environment.RestoreMount(cache, held.Path, cancellationToken);
        TreeMount? seed = cache.Input < 0
            ? null
            : await TreeAsync(cache.Target, inputs[cache.Input], cache.Source, readOnly: true, directories, cancellationToken);
        _mounts.Add(new HostMount(cache.Target, held.Path, cache.ReadOnly, cache.Mode, (uint)cache.Uid, (uint)cache.Gid, IsSocket: false) { Seed = seed });
    }

    private async Task AddAsync(SecretEnv secret, StepEnvironment environment, CancellationToken cancellationToken)
    {
        if (await ValueAsync(secret.Id, secret.Required, environment, cancellationToken) is { } value)
            _secretEnv.Add(secret.Variable + "=" + System.Text.Encoding.UTF8.GetString(value));
    }

    private void AddAgent(SshMount ssh, StepEnvironment environment)
    {
        if (environment.Agent(ssh.Id) is { } agent)
        {
            _agents.Add(agent);
            _mounts.Add(new HostMount(ssh.Target, agent.Path, ReadOnly: false, ssh.Mode, (uint)ssh.Uid, (uint)ssh.Gid, IsSocket: true));
        }
        else if (ssh.Required)
        {
            throw new KimgException(ErrorCode.SecretMissing, $"the step needs the ssh agent '{ssh.Id}', which was not given")
            {
                Hint = $"build with --ssh {ssh.Id}",
            };
        }
    }

    private static async Task<byte[]?> ValueAsync(string id, bool required, StepEnvironment environment, CancellationToken cancellationToken) =>
        await environment.Secret(id, cancellationToken) is { } value ? value
        : required ? throw new KimgException(ErrorCode.SecretMissing, $"the step needs the secret '{id}', which was not given")
        {
            Hint = $"build with --secret id={id},src=FILE or --secret id={id},env=VARIABLE",
        }
        : null;
}
