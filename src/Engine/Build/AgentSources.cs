using System.Collections.Immutable;
using Kimg.Engine.Ops;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>The ssh agents a request gives, by id.</summary>
/// <param name="directory">Where the sockets for steps are made.</param>
internal sealed class AgentSources(ImmutableArray<SshSource> sources, Func<string, string?> environment, string directory)
{
    /// <summary>Starts forwarding for one step; null when the request has no agent of this id.</summary>
    public IAgentForward? Forward(string id)
    {
        return SocketOf(id) is { } socket ? new AgentForward(directory, socket) : null;
    }

    /// <summary>The agent's own socket, for programs that run outside a sandbox; null when the request has no agent of this id.</summary>
    public string? SocketOf(string id)
    {
        if (sources.FirstOrDefault(source => source.Id == id) is not { } found) return null;
        return found.Paths.IsEmpty
            ? environment("SSH_AUTH_SOCK") ?? throw new KimgException(ErrorCode.InvalidSecret, $"--ssh {id}: SSH_AUTH_SOCK is not set")
            {
                Hint = "start an ssh-agent, or name its socket: --ssh default=/path/to/socket",
            }
            : found.Paths[0];
    }
}
