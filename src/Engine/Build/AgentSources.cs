using System.Collections.Concurrent;
using System.Collections.Immutable;
using Kimg.Engine.Native;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Build;

/// <summary>The ssh agents a request gives, by id: agents that run already, and one for the keys given as files, started when somebody asks.</summary>
/// <param name="directory">Where sockets are made.</param>
internal sealed class AgentSources(ImmutableArray<SshSource> sources, Func<string, string?> environment, string directory) : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<KeyAgent>> _started = new();

    /// <summary>Starts forwarding for one step; null when the request has no agent of this id.</summary>
    public IAgentForward? Forward(string id)
    {
        return SocketOf(id) is { } socket ? new AgentForward(directory, socket) : null;
    }

    /// <summary>The agent's own socket, for programs that run outside a sandbox; null when the request has no agent of this id.</summary>
    /// <exception cref="KimgException">InvalidSecret, ProgramMissing.</exception>
    public string? SocketOf(string id)
    {
        if (sources.FirstOrDefault(source => source.Id == id) is not { } found) return null;
        if (found.Paths.IsEmpty)
        {
            return environment("SSH_AUTH_SOCK") ?? throw new KimgException(ErrorCode.InvalidSecret, $"--ssh {id}: SSH_AUTH_SOCK is not set")
            {
                Hint = "start an ssh-agent, or name its socket: --ssh default=/path/to/socket",
            };
        }

        if (!found.Paths.Any(IsSocket)) return _started.GetOrAdd(id, _ => new(() => StartAgent(found))).Value.Socket;
        if (found.Paths is [var socket]) return socket;
        throw new KimgException(ErrorCode.InvalidSecret, $"--ssh {id}: an agent's socket stands alone") { Hint = "give one socket, or only key files" };
    }

    public void Dispose()
    {
        foreach (Lazy<KeyAgent> agent in _started.Values.Where(agent => agent.IsValueCreated)) agent.Value.Dispose();
    }

    private KeyAgent StartAgent(SshSource source)
    {
        Directory.CreateDirectory(directory);
        return KeyAgent.Start(Path.Combine(directory, "agent-" + Guid.NewGuid().ToString("N")[..8]), source.Paths, source.Id, environment);
    }

    private static bool IsSocket(string path)
    {
        string real = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        using SafeFileHandle parent = Trees.OpenRoot(Path.GetDirectoryName(real)!);
        return Trees.TryStat(parent, Path.GetFileName(real), out FileStat stat) && stat.Format == FileStat.Socket;
    }
}
