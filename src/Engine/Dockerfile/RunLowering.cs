using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>Lowers RUN: the command with its here-documents, mounts, network and security.</summary>
internal sealed class RunLowering(Lowering lowering, StageNode node, StageLowering stage)
{
    private const int MaxMounts = 1000;

    private readonly List<Vertex> _inputs = [node.Root!];
    private readonly ImmutableArray<ExecMount>.Builder _mounts = ImmutableArray.CreateBuilder<ExecMount>();
    private readonly ImmutableArray<SecretEnv>.Builder _secretEnv = ImmutableArray.CreateBuilder<SecretEnv>();
    private readonly List<string> _sockets = [];

    public void Lower(RunInstruction run, BoundCommand command, Linter lint)
    {
        RunMount[] mounts = [.. run.Mounts.Select(m => MountParser.Parse(m, v => stage.Expand(v, run.Text, lint), run.Span))];
        (ImmutableArray<string> args, string summary) = Arguments(run);
        if (run.Command.IsShell) args = stage.WithShell(args);
        if (mounts.Length > MaxMounts)
            throw new KimgException(ErrorCode.InvalidInstruction, $"RUN has more than {MaxMounts} mounts") { Span = run.Span };
        for (int i = 0; i < mounts.Length; i++) AddMount(mounts[i], command.Sources[i], run.Span);
        CheckSecurity(run);

        FrontendOptions options = lowering.Options;
        string label = StepName.Command(run.Text.Source + summary, new WordExpander(lowering.File.Ast.Escape, Masked(mounts), lowering.Budget)
        {
            RawQuotes = true, KeepUnset = true,
        });
        var op = new ExecOp
        {
            Args = args,
            Env = Environment(),
            WorkingDirectory = node.WorkingDirectory,
            User = node.Image!.Config.User is { Length: > 0 } user ? user : null,
            Network = run.Network switch { "none" => NetworkMode.None, "host" => NetworkMode.Host, _ => options.Network },
            Security = run.Security == "insecure" ? SecurityMode.Insecure : SecurityMode.Sandbox,
            Hostname = options.Hostname ?? lowering.BuildArgs.GetValueOrDefault(SpecialArguments.Hostname),
            ExtraHosts = options.ExtraHosts,
            Mounts = _mounts.ToImmutable(),
            SecretEnv = _secretEnv.ToImmutable(),
            Ulimits = options.Ulimits,
            ShmSize = options.ShmSize,
            Platform = Platform.Host.Matches(node.Platform!) ? null : node.Platform!.ToString(),
            ProxyEnv = lowering.ProxyEnv,
        };
        VertexMeta meta = stage.Meta(stage.Name(label, command.IsOnBuild), run.Span) with { IgnoreCache = node.IgnoreCache };
        string history = "RUN " + HistoryArguments(args) + " # buildkit";
        node.Root = new Vertex(op, [.. _inputs], meta);
        stage.Commit(history, hasLayer: true);
    }

    /// <summary>The words to run, and what the name in progress shows of a here-document.</summary>
    private (ImmutableArray<string> Args, string Summary) Arguments(RunInstruction run)
    {
        ImmutableArray<string> words = run.Command.Words;
        if (run.Command.Heredocs is not [var first, ..] heredocs) return (words, "");
        if (words is not [var line] || !run.Command.IsShell)
            throw new KimgException(ErrorCode.InvalidInstruction, "a RUN with a here-document has no command") { Span = run.Span };
        if (HeredocWord.TryParse(line) is null)
        {
            var script = new StringBuilder(line);
            foreach (Heredoc heredoc in heredocs) script.Append('\n').Append(heredoc.Content).Append(heredoc.Name);
            return ([script.ToString()], "");
        }

        string content = first.ChompedContent, summary = $" ({Summarize(first.Content)})";
        if (!content.StartsWith("#!", StringComparison.Ordinal)) return ([content], summary);
        var file = new Vertex(new FileOp([new MkFileAction("/" + first.Name, 0b111_101_101, PathText.Encode(content))]), [lowering.ScratchRoot],
            new VertexMeta("[internal] preparing inline document") { Span = run.Span });
        _mounts.Add(new BindMount("/dev/pipes", AddInput(file), "/", ReadOnly: true));
        return (["/dev/pipes/" + first.Name], summary);
    }

    private void AddMount(RunMount mount, StageNode? source, SourceSpan span)
    {
        switch (mount.Kind)
        {
            case MountKind.Secret:
                AddSecret(mount, span);
                return;
            case MountKind.Ssh:
                AddAgent(mount, span);
                return;
        }

        string target = ContainerPath.Resolve(node.WorkingDirectory, mount.Target);
        if (target == "/") throw new KimgException(ErrorCode.InvalidInstruction, $"invalid mount target '{mount.Target}'") { Hint = "a mount needs target=, below /", Span = span };
        string path = ContainerPath.Resolve("/", mount.Source);
        if (mount.Kind == MountKind.Tmpfs)
        {
            _mounts.Add(new TmpfsMount(target, mount.Size is > 0 ? mount.Size : null));
            return;
        }

        bool fromNothing = mount.Kind == MountKind.Cache && source is null;
        int input = fromNothing ? -1 : AddInput(source is null ? lowering.Options.Context : Root(source, mount, span));
        if (mount.Kind == MountKind.Bind)
        {
            _mounts.Add(new BindMount(target, input, path, mount.ReadOnly));
            return;
        }

        string id = mount.Id.Length > 0 ? mount.Id : LexicalPath.Clean(mount.Target);
        if (lowering.BuildArgs.GetValueOrDefault(SpecialArguments.CacheNamespace) is { Length: > 0 } space) id = space + "/" + id;
        CacheSharing sharing = mount.Sharing switch { "private" => CacheSharing.Private, "locked" => CacheSharing.Locked, _ => CacheSharing.Shared };
        _mounts.Add(new CacheMount(target, id, sharing, input, path, mount.ReadOnly)
        {
            Mode = mount.Mode ?? 0b111_101_101, Uid = mount.Uid ?? 0, Gid = mount.Gid ?? 0,
        });
    }

    private static Vertex Root(StageNode source, RunMount mount, SourceSpan span) => source.Lowered
        ? source.Root!
        : throw new KimgException(ErrorCode.InvalidInstruction, $"cannot mount from stage '{mount.From}' to '{mount.Target}'")
        {
            Hint = "the stage must be defined before the one that mounts from it", Span = span,
        };

    private void AddSecret(RunMount mount, SourceSpan span)
    {
        string id = mount.Source.Length > 0 ? mount.Source : mount.Id.Length > 0 ? mount.Id : FileName(mount.Target);
        node.Outline.Secrets.TryAdd(id, new OutlineMount(mount.Required, span));
        if (mount.Env is not null) _secretEnv.Add(new SecretEnv(id, mount.Env, mount.Required));
        string target = mount.Target.Length > 0 ? mount.Target : mount.Env is null ? "/run/secrets/" + FileName(id) : "";
        if (target.Length == 0) return;
        _mounts.Add(new SecretMount(ContainerPath.Resolve(node.WorkingDirectory, target), id, mount.Required, mount.Mode ?? 0b100_000_000,
            mount.Uid ?? 0, mount.Gid ?? 0));
    }

    private void AddAgent(RunMount mount, SourceSpan span)
    {
        string id = mount.Id.Length > 0 ? mount.Id : "default";
        node.Outline.Agents.TryAdd(id, new OutlineMount(mount.Required, span));
        string target = mount.Target.Length > 0
            ? ContainerPath.Resolve(node.WorkingDirectory, mount.Target)
            : string.Create(CultureInfo.InvariantCulture, $"/run/buildkit/ssh_agent.{_sockets.Count}");
        _sockets.Add(target);
        _mounts.Add(new SshMount(target, id, mount.Required, mount.Mode ?? 0b110_000_000, mount.Uid ?? 0, mount.Gid ?? 0));
    }

    private void CheckSecurity(RunInstruction run)
    {
        string? needed = run.Security == "insecure" && !lowering.Options.Entitlements.Contains("security.insecure") ? "security.insecure"
            : run.Network == "host" && lowering.Options.Network != NetworkMode.Host && !lowering.Options.Entitlements.Contains("network.host")
                ? "network.host"
                : null;
        if (needed is null) return;
        throw new KimgException(ErrorCode.EntitlementNeeded, $"the step needs the entitlement '{needed}', which is not granted")
        {
            Hint = $"pass --allow={needed} if you trust this Dockerfile", Span = run.Span,
        };
    }

    private int AddInput(Vertex vertex)
    {
        int index = _inputs.IndexOf(vertex);
        if (index > 0) return index;
        _inputs.Add(vertex);
        return _inputs.Count - 1;
    }

    private ImmutableArray<string> Environment()
    {
        ImmutableArray<string> env = node.Env.ToArray();
        return _sockets.Count == 0 || node.Env.Get("SSH_AUTH_SOCK") is not null ? env : env.Add("SSH_AUTH_SOCK=" + _sockets[0]);
    }

    // Values are not known here; the stars say that a secret is meant.
    private IVariables Masked(RunMount[] mounts)
    {
        string[] names = [.. mounts.Where(m => m.Kind == MountKind.Secret && m.Env is not null).Select(m => m.Env!)];
        if (names.Length == 0) return node.Env;
        EnvList masked = node.Env.Clone();
        foreach (string name in names) masked.Set(name, "****");
        return masked;
    }

    private string HistoryArguments(ImmutableArray<string> args)
    {
        var order = new List<string>();
        var values = new Dictionary<string, string>();
        foreach (BuildArgument arg in node.BuildArgs)
        {
            if (!values.ContainsKey(arg.Key)) order.Add(arg.Key);
            values[arg.Key] = node.Env.Get(arg.Key) ?? arg.Value ?? "";
        }

        IEnumerable<string> prefix = order.Count == 0 ? [] : order.Select(k => $"{k}={values[k]}").Prepend($"|{order.Count}");
        return string.Join(' ', prefix.Concat(args));
    }

    private static string Summarize(string content)
    {
        string[] lines = content.Trim().Replace("\r\n", "\n", StringComparison.Ordinal).Split('\n', 2);
        return lines.Length > 1 ? lines[0] + "..." : lines[0];
    }

    private static string FileName(string path) => ImagePath.Normalize(path).Name is { Length: > 0 } name ? name : path;
}
