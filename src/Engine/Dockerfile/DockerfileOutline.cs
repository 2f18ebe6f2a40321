using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>What a target takes from its caller (--call=outline): build arguments that matter to it, secrets and ssh agents, in the order of their
/// lines. Name null: the stage has none.</summary>
public sealed record DockerfileOutline(
    string? Name, string? Description, ImmutableArray<OutlineArg> Args, ImmutableArray<OutlineSecret> Secrets, ImmutableArray<OutlineSecret> Ssh)
{
    public required SourceText Source { get; init; }

    internal static DockerfileOutline Of(StageNode target, SourceText source)
    {
        var args = new List<OutlineArg>();
        var secrets = new Dictionary<string, OutlineMount>();
        var agents = new Dictionary<string, OutlineMount>();
        var seen = new HashSet<string>();
        foreach (StageNode node in target.Reachable())
        {
            foreach (string name in WithDependencies(node.Outline))
            {
                if (!node.Outline.Arguments.TryGetValue(name, out OutlineArgument? arg) || !seen.Add(name)) continue;
                args.Add(new OutlineArg(arg.Definition.Key, arg.Definition.Description, arg.Value, arg.Span));
            }

            foreach ((string id, OutlineMount mount) in node.Outline.Secrets) secrets.TryAdd(id, mount);
            foreach ((string id, OutlineMount mount) in node.Outline.Agents) agents.TryAdd(id, mount);
        }

        return new DockerfileOutline(target.From.Name, target.From.Description,
            [.. args.OrderBy(a => a.Span.StartLine).ThenBy(a => a.Name, StringComparer.Ordinal)], Mounts(secrets), Mounts(agents))
        {
            Source = source,
        };
    }

    private static ImmutableArray<OutlineSecret> Mounts(Dictionary<string, OutlineMount> mounts) =>
        [.. mounts.Select(m => new OutlineSecret(m.Key, m.Value.Required, m.Value.Span)).OrderBy(m => m.Span.StartLine).ThenBy(m => m.Name, StringComparer.Ordinal)];

    private static HashSet<string> WithDependencies(StageOutline outline)
    {
        var all = new HashSet<string>();
        var pending = new Stack<string>(outline.Used);
        while (pending.TryPop(out string? name))
        {
            if (!all.Add(name) || !outline.Arguments.TryGetValue(name, out OutlineArgument? arg)) continue;
            foreach (string dependency in arg.Dependencies) pending.Push(dependency);
        }

        return all;
    }
}

public sealed record OutlineArg(string Name, string? Description, string? Value, SourceSpan Span);

public sealed record OutlineSecret(string Name, bool Required, SourceSpan Span);
