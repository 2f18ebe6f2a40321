using System.Collections.Immutable;
using System.Text;
using Kimg.Engine.Graph;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>Lowers the instructions of one stage: each changes the root vertex, the configuration or both, and leaves its line of history.</summary>
internal sealed class StageLowering(Lowering lowering, StageNode node)
{
    private const string Comment = "buildkit.dockerfile.v0";

    private readonly ImageDraft _image = node.Image!;

    public void Run()
    {
        node.Lowered = true;
        node.Platform ??= lowering.Options.Platform;
        if (!_image.HasEnv("PATH") && node.Platform.Os != "windows") _image.SetEnv("PATH", ImageDraft.DefaultPath);
        foreach (string entry in _image.Env) node.Env.Set(ImageDraft.KeyOf(entry), ImageDraft.ValueOf(entry));
        if (_image.Config.WorkingDir is { Length: > 0 } directory) SetWorkingDirectory(directory);
        foreach (BoundCommand command in node.Commands)
        {
            try
            {
                Lower(command);
            }
            catch (KimgException error) when (error.Span is null)
            {
                throw new KimgException(SourceSpans.InDockerfile(error.Code), error.Message, error) { Hint = error.Hint, Span = command.Instruction.Span };
            }
        }

        node.ScanContext = IsScanned(SpecialArguments.ScanContext);
        node.ScanStage = IsScanned(SpecialArguments.ScanStage);
    }

    private void Lower(BoundCommand command)
    {
        Linter lint = lowering.Linter.For(command.Instruction.Text.Comments);
        InstructionText text = command.Instruction.Text;
        switch (command.Instruction)
        {
            case ArgInstruction arg:
                Arg(arg, lint);
                break;
            case CmdInstruction cmd:
                node.Cmd = StageLints.Once(text, node.Cmd, lint);
                ImmutableArray<string> words = Words(cmd.Command, text, lint);
                _image.Config = _image.Config with { Cmd = words, ArgsEscaped = true };
                Commit("CMD " + GoFormat.QuotedList(words));
                break;
            case EntrypointInstruction entrypoint:
                node.Entrypoint = StageLints.Once(text, node.Entrypoint, lint);
                ImmutableArray<string> entry = Words(entrypoint.Command, text, lint);
                _image.Config = _image.Config with { Entrypoint = entry, Cmd = node.Cmd is null ? null : _image.Config.Cmd };
                Commit("ENTRYPOINT " + GoFormat.QuotedList(entry));
                break;
            case EnvInstruction env:
                Env(env, lint);
                break;
            case ExposeInstruction expose:
                Expose(expose, lint);
                break;
            case HealthcheckInstruction health:
                node.Healthcheck = StageLints.Once(text, node.Healthcheck, lint);
                _image.Config = _image.Config with { Healthcheck = health.Healthcheck };
                Commit("HEALTHCHECK " + Describe(health.Healthcheck));
                break;
            case LabelInstruction label:
                Label(label, lint);
                break;
            case MaintainerInstruction maintainer:
                _image.Document = _image.Document with { Author = maintainer.Author };
                Commit("MAINTAINER " + maintainer.Author);
                break;
            case OnBuildInstruction onBuild:
                _image.OnBuild.Add(onBuild.Trigger);
                break;
            case RunInstruction run:
                new RunLowering(lowering, node, this).Lower(run, command, lint);
                break;
            case ShellInstruction shell:
                _image.Config = _image.Config with { Shell = shell.Shell };
                Commit("SHELL " + GoFormat.List(shell.Shell));
                break;
            case StopSignalInstruction stop:
                Stop(Expand(stop.Signal, text, lint), stop.Span);
                break;
            case TransferInstruction transfer:
                new CopyLowering(lowering, node, this).Lower(transfer, command, lint);
                break;
            case UserInstruction user:
                string name = Expand(user.User, text, lint);
                _image.Config = _image.Config with { User = name };
                Commit("USER " + name);
                break;
            case VolumeInstruction volume:
                Volume(volume, lint);
                break;
            case WorkdirInstruction workdir:
                Workdir(workdir, command.IsOnBuild, lint);
                break;
        }
    }

    /// <summary>A word with the stage's variables; undefined ones are reported.</summary>
    public string Expand(string word, InstructionText text, Linter lint)
    {
        WordExpander expander = lowering.Expander(node.Env, text.Span);
        string result = expander.Expand(word);
        StageLints.ReportUndefined(node, expander.Unmatched, text.Span, lint);
        return result;
    }

    /// <summary>The instruction's name in progress, counted as a step.</summary>
    public string Name(string command, bool isOnBuild) =>
        StepName.Of(node, lowering.Options, (isOnBuild ? "ONBUILD " : "") + command, node.Env);

    public VertexMeta Meta(string name, SourceSpan span) => new(name) { Span = span, Stage = node.DisplayName };

    public void Commit(string createdBy, bool hasLayer = false)
    {
        lowering.Budget.TakeCharacters(createdBy.Length, node.Span);
        _image.History.Add(new HistoryEntry { CreatedBy = createdBy, Comment = Comment, EmptyLayer = hasLayer ? null : true });
    }

    /// <summary>The words of a command, the shell in front when it is in shell form.</summary>
    public ImmutableArray<string> WithShell(ImmutableArray<string> words) =>
        [.. _image.Config.Shell is { IsDefaultOrEmpty: false } shell ? shell : ["/bin/sh", "-c"], string.Join(' ', words)];

    private ImmutableArray<string> Words(CommandLine command, InstructionText text, Linter lint)
    {
        if (!command.IsShell) return command.Words;
        if (_image.Config.Shell is not { IsDefaultOrEmpty: false }) lint.Report(LintRules.JsonArgsRecommended, text.Span, text.Keyword);
        return WithShell(command.Words);
    }

    private void Env(EnvInstruction env, Linter lint)
    {
        var history = new StringBuilder("ENV");
        foreach ((KeyValue pair, string key, string value) in ExpandAll(env.Pairs, env.Text, lint))
        {
            if (pair.Legacy) lint.Report(LintRules.LegacyKeyValueFormat, env.Span, env.Text.Keyword);
            StageLints.ReportSecret("ENV", key, env.Span, lint);
            history.Append(' ').Append(key).Append('=').Append(value);
            node.Env.Set(key, value);
            _image.SetEnv(key, value);
        }

        Commit(history.ToString());
    }

    private void Label(LabelInstruction label, Linter lint)
    {
        var history = new StringBuilder("LABEL");
        foreach ((KeyValue pair, string key, string value) in ExpandAll(label.Pairs, label.Text, lint))
        {
            if (pair.Legacy) lint.Report(LintRules.LegacyKeyValueFormat, label.Span, label.Text.Keyword);
            _image.Labels[key] = value;
            history.Append(' ').Append(key).Append('=').Append(value);
        }

        Commit(history.ToString());
    }

    // All pairs of an instruction see the variables as they were before it.
    private List<(KeyValue Pair, string Key, string Value)> ExpandAll(ImmutableArray<KeyValue> pairs, InstructionText text, Linter lint) =>
        [.. pairs.Select(p => (p, Expand(p.Key, text, lint), Expand(p.Value, text, lint)))];

    private void Arg(ArgInstruction instruction, Linter lint)
    {
        var history = new List<string>();
        foreach (ArgDefinition arg in instruction.Args)
        {
            StageLints.ReportSecret("ARG", arg.Key, instruction.Span, lint);
            bool given = lowering.BuildArgs.TryGetValue(arg.Key, out string? value), inherited = false;
            if (!given && arg.Value is null)
            {
                value = lowering.GlobalArgs.Get(arg.Key);
                inherited = value is not null;
            }
            else if (!given)
            {
                value = Expand(arg.Value!, instruction.Text, lint);
            }

            if (value is not null && !SpecialArguments.IsScan(arg.Key)) node.Env.Set(arg.Key, value);
            if (!inherited) node.Outline.Arguments[arg.Key] = new OutlineArgument(arg, value, instruction.Span, []);
            node.Outline.Used.Add(arg.Key);
            node.BuildArgs.Add(new BuildArgument(arg.Key, value));
            history.Add(value is null ? arg.Key : $"{arg.Key}={value}");
        }

        Commit("ARG " + string.Join(' ', history));
    }

    private void Expose(ExposeInstruction expose, Linter lint)
    {
        var names = new List<string>();
        foreach (string word in expose.Ports)
        {
            foreach (string port in lowering.Expander(node.Env, expose.Span).Split(word))
            {
                ExposedPort parsed = ExposedPort.Parse(port, SourceSpans.Locate(expose.Span, word));
                lowering.Budget.TakePorts(parsed.Last - parsed.First + 1, expose.Span);
                if (parsed.ProtocolHasUpperCase) lint.Report(LintRules.ExposeProtoCasing, expose.Span, port);
                if (parsed.HasHostPart) lint.Report(LintRules.ExposeInvalidFormat, expose.Span, port);
                names.AddRange(parsed.Names);
            }
        }

        foreach (string name in names) _image.ExposedPorts[name] = EmptyObject.Instance;
        Commit("EXPOSE " + GoFormat.List(names));
    }

    private void Stop(string signal, SourceSpan span)
    {
        if (!StopSignal.IsValid(signal))
        {
            throw new KimgException(ErrorCode.InvalidInstruction, $"invalid signal '{signal}'")
            {
                Hint = Suggestion.Nearest(signal, StopSignal.Names.Select(n => "SIG" + n)) is { } near ? $"did you mean {near}?"
                    : "write a name such as SIGTERM, or a number",
                Span = span,
            };
        }

        _image.Config = _image.Config with { StopSignal = signal };
        Commit("STOPSIGNAL " + signal);
    }

    private void Volume(VolumeInstruction volume, Linter lint)
    {
        string[] paths = [.. volume.Paths.Select(p => Expand(p, volume.Text, lint))];
        foreach (string path in paths)
        {
            if (path.Length == 0)
            {
                throw new KimgException(ErrorCode.InvalidInstruction, "VOLUME can not be an empty string")
                {
                    Hint = "a variable in it may be unset", Span = volume.Span,
                };
            }

            _image.Volumes[path] = EmptyObject.Instance;
        }

        Commit("VOLUME " + GoFormat.List(paths));
    }

    private void Workdir(WorkdirInstruction workdir, bool isOnBuild, Linter lint)
    {
        string path = Expand(workdir.Path, workdir.Text, lint);
        if (!node.WorkdirSet && !path.StartsWith('/')) lint.Report(LintRules.WorkdirRelativePath, workdir.Span, GoFormat.Quote(path));
        node.WorkdirSet = true;
        SetWorkingDirectory(path);
        string written = _image.Config.WorkingDir!;
        bool hasLayer = written != "/";
        if (hasLayer)
        {
            var action = new MkDirAction(node.WorkingDirectory, 0b111_101_101) { Owner = NullIfEmpty(_image.Config.User) };
            string name = StepName.Command(workdir.Text.Source, lowering.Expander(node.Env, workdir.Span));
            node.Root = new Vertex(new FileOp([action]) { CreatedTime = lowering.SourceDateEpoch }, [node.Root!],
                Meta(Name(name, isOnBuild), workdir.Span));
        }

        Commit("WORKDIR " + written, hasLayer);
    }

    private void SetWorkingDirectory(string path)
    {
        string directory = ContainerPath.WorkingDirectory(_image.Config.WorkingDir ?? "/", path);
        _image.Config = _image.Config with { WorkingDir = directory };
        node.WorkingDirectory = ImagePath.Normalize(directory).ToString();
    }

    private bool IsScanned(string name)
    {
        string? value = node.BuildArgs.LastOrDefault(a => a.Key == name && a.Value is not null)?.Value ?? lowering.GlobalArgs.Get(name);
        if (value is null) return false;
        return GoBoolean.Parse(value) ?? value.Split(',').Contains(node.DisplayName);
    }

    private static string Describe(Healthcheck health) =>
        $"{{Test:{GoFormat.List(health.Test ?? [])} Interval:{GoFormat.Duration(health.Interval ?? 0)} Timeout:{GoFormat.Duration(health.Timeout ?? 0)} "
        + $"StartPeriod:{GoFormat.Duration(health.StartPeriod ?? 0)} StartInterval:{GoFormat.Duration(health.StartInterval ?? 0)} "
        + $"Retries:{health.Retries ?? 0}}}";

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
