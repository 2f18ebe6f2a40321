using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>Turns nodes into typed instructions, grouped into stages: number of arguments, flags and values are checked here; nothing is
/// expanded.</summary>
internal sealed partial class InstructionBinder(Linter linter)
{
    private static readonly string[] s_keywords =
    [
        "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "RUN", "SHELL",
        "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
    ];

    /// <exception cref="KimgException">UnknownInstruction, UnknownFlag, InvalidInstruction, with the place.</exception>
    public static BoundDockerfile Bind(DockerfileAst ast, Linter linter)
    {
        var binder = new InstructionBinder(linter);
        var globals = ImmutableArray.CreateBuilder<ArgInstruction>();
        var stages = ImmutableArray.CreateBuilder<Stage>();
        FromInstruction? from = null;
        var instructions = ImmutableArray.CreateBuilder<Instruction>();
        foreach (DockerfileNode node in ast.Nodes)
        {
            Instruction instruction = binder.Bind(node);
            if (instruction is FromInstruction next)
            {
                if (from is not null) stages.Add(new Stage(from, instructions.ToImmutable()));
                (from, instructions) = (next, ImmutableArray.CreateBuilder<Instruction>());
            }
            else if (from is not null)
            {
                instructions.Add(instruction);
            }
            else
            {
                globals.Add(instruction as ArgInstruction ?? throw new KimgException(ErrorCode.InvalidInstruction,
                    $"no build stage: {node.Keyword.ToUpperInvariant()} stands before the first FROM")
                {
                    Hint = "only ARG may come before FROM", Span = node.Span,
                });
            }
        }

        if (from is null)
        {
            throw new KimgException(ErrorCode.InvalidInstruction, "the Dockerfile has no stage to build")
            {
                Hint = "add a FROM instruction", Span = ast.Nodes[^1].Span,
            };
        }

        stages.Add(new Stage(from, instructions.ToImmutable()));
        return new BoundDockerfile(ast, globals.ToImmutable(), stages.ToImmutable());
    }

    public Instruction Bind(DockerfileNode node)
    {
        var text = new InstructionText(node.Keyword, node.Original.Trim(), node.Span, node.Comments);
        string keyword = node.Keyword.ToUpperInvariant();
        return keyword switch
        {
            "ADD" => Add(node, text),
            "ARG" => Arg(node, text),
            "CMD" => new CmdInstruction(text, Command(NoFlags(node))),
            "COPY" => Copy(node, text),
            "ENTRYPOINT" => new EntrypointInstruction(text, Command(NoFlags(node))),
            "ENV" => new EnvInstruction(text, Pairs(NoFlags(node), keyword)),
            "EXPOSE" => new ExposeInstruction(text, [.. AtLeastOne(NoFlags(node), keyword).Order(StringComparer.Ordinal)]),
            "FROM" => From(node, text),
            "HEALTHCHECK" => new HealthcheckInstruction(text, HealthcheckParser.Parse(node)),
            "LABEL" => new LabelInstruction(text, Pairs(NoFlags(node), keyword)),
            "MAINTAINER" => Maintainer(node, text),
            "ONBUILD" => OnBuild(node, text),
            "RUN" => Run(node, text),
            "SHELL" => Shell(node, text),
            "STOPSIGNAL" => new StopSignalInstruction(text, ExactlyOne(node, keyword)),
            "USER" => new UserInstruction(text, ExactlyOne(NoFlags(node), keyword)),
            "VOLUME" => Volume(node, text),
            "WORKDIR" => new WorkdirInstruction(text, ExactlyOne(NoFlags(node), keyword)),
            _ => throw new KimgException(ErrorCode.UnknownInstruction, $"unknown instruction '{node.Keyword}'")
            {
                Hint = Suggestion.Nearest(node.Keyword, s_keywords) is { } near ? $"did you mean {near}?"
                    : $"the instructions are {string.Join(", ", s_keywords)}",
                Span = node.SpanOf(node.Keyword),
            },
        };
    }

    private static DockerfileNode NoFlags(DockerfileNode node)
    {
        InstructionFlags.Parse(node);
        return node;
    }

    private static string ExactlyOne(DockerfileNode node, string keyword) =>
        node.Args.Length == 1 ? node.Args[0] : throw Invalid(node, $"{keyword} requires exactly one argument");

    private static ImmutableArray<string> AtLeastOne(DockerfileNode node, string keyword) =>
        node.Args.Length > 0 ? node.Args : throw Invalid(node, $"{keyword} requires at least one argument");

    private static ImmutableArray<KeyValue> Pairs(DockerfileNode node, string keyword)
    {
        ImmutableArray<string> args = AtLeastOne(node, keyword);
        var pairs = ImmutableArray.CreateBuilder<KeyValue>(args.Length / 3);
        for (int i = 0; i < args.Length; i += 3)
        {
            if (args[i].Length == 0) throw Invalid(node, $"{keyword} names can not be blank");
            pairs.Add(new KeyValue(args[i], args[i + 1], args[i + 2].Length == 0));
        }

        return pairs.ToImmutable();
    }

    private MaintainerInstruction Maintainer(DockerfileNode node, InstructionText text)
    {
        linter.For(node.Comments).Report(LintRules.MaintainerDeprecated, node.Span);
        return new MaintainerInstruction(text, ExactlyOne(NoFlags(node), "MAINTAINER"));
    }

    private ArgInstruction Arg(DockerfileNode node, InstructionText text)
    {
        var args = ImmutableArray.CreateBuilder<ArgDefinition>();
        if (node.Flags.Length > 0) InstructionFlags.Parse(node);
        foreach (string word in AtLeastOne(node, "ARG"))
        {
            int equals = word.IndexOf('=');
            if (equals == 0) throw Invalid(node, "ARG names can not be blank");
            string key = equals < 0 ? word : word[..equals];
            args.Add(new ArgDefinition(key, equals < 0 ? null : word[(equals + 1)..], Description(node.Comments, key)));
        }

        CheckDescription(node, "ARG", [.. args.Select(a => a.Key)]);
        return new ArgInstruction(text, args.ToImmutable());
    }

    private FromInstruction From(DockerfileNode node, InstructionText text)
    {
        Linter lint = linter.For(node.Comments);
        if (node.Args.Length == 3)
        {
            string name = node.Args[2], from = node.Keyword, @as = node.Args[1];
            if (!LetterCase.IsLower(name)) lint.Report(LintRules.StageNameCasing, node.Span, name);
            bool mismatch = LetterCase.IsLower(from) ? !LetterCase.IsLower(@as)
                : LetterCase.IsUpper(from) && !LetterCase.IsUpper(@as);
            if (mismatch) lint.Report(LintRules.FromAsCasing, node.Span, @as, from);
        }

        string? stage = StageName(node);
        InstructionFlags flags = InstructionFlags.Parse(node, ("platform", FlagKind.Text));
        if (stage is not null) CheckDescription(node, "FROM", [stage]);
        return new FromInstruction(text, node.Args[0], stage, flags.Text("platform") is { Length: > 0 } platform ? platform : null)
        {
            Description = stage is null ? null : Description(node.Comments, stage),
        };
    }

    private static string? StageName(DockerfileNode node)
    {
        if (node.Args.Length == 1) return null;
        if (node.Args.Length != 3 || !node.Args[1].Equals("as", StringComparison.OrdinalIgnoreCase))
            throw Invalid(node, "FROM requires either one or three arguments", "write FROM image, or FROM image AS name");
        string name = node.Args[2].ToLowerInvariant();
        return StageNamePattern().IsMatch(name) ? name : throw new KimgException(ErrorCode.InvalidInstruction,
            $"invalid name for a build stage: '{node.Args[2]}'")
        {
            Hint = "a stage name starts with a letter; letters, digits, '-', '_' and '.' may follow", Span = node.SpanOf(node.Args[2]),
        };
    }

    private static OnBuildInstruction OnBuild(DockerfileNode node, InstructionText text)
    {
        AtLeastOne(NoFlags(node), "ONBUILD");
        string trigger = node.Args[0].Trim().ToUpperInvariant();
        if (trigger == "ONBUILD") throw Invalid(node, "chaining ONBUILD via ONBUILD ONBUILD is not allowed");
        if (trigger is "MAINTAINER" or "FROM") throw Invalid(node, $"{trigger} is not allowed as an ONBUILD trigger");
        string rest = node.Original.TrimStart()[node.Keyword.Length..].TrimStart('\t', '\n', '\f', '\r', ' ');
        var expression = new StringBuilder(rest);
        foreach (Heredoc heredoc in node.Heredocs) expression.Append('\n').Append(heredoc.Content).Append(heredoc.Name);
        return new OnBuildInstruction(text, expression.ToString());
    }

    private static ShellInstruction Shell(DockerfileNode node, InstructionText text)
    {
        AtLeastOne(NoFlags(node), "SHELL");
        return node.IsJson ? new ShellInstruction(text, node.Args)
            : throw Invalid(node, "SHELL requires the arguments to be in JSON form", "write SHELL [\"/bin/bash\", \"-c\"]");
    }

    private static VolumeInstruction Volume(DockerfileNode node, InstructionText text)
    {
        ImmutableArray<string> paths = [.. AtLeastOne(NoFlags(node), "VOLUME").Select(p => p.Trim())];
        return paths.Contains("") ? throw Invalid(node, "VOLUME can not be an empty string") : new VolumeInstruction(text, paths);
    }

    private static CommandLine Command(DockerfileNode node) => new(node.Args, !node.IsJson, node.Heredocs);

    private static RunInstruction Run(DockerfileNode node, InstructionText text)
    {
        InstructionFlags flags = InstructionFlags.Parse(node, ("mount", FlagKind.Texts), ("network", FlagKind.Text),
            ("security", FlagKind.Text), ("device", FlagKind.Texts));
        if (flags.Texts("device") is [var device, ..])
        {
            throw new KimgException(ErrorCode.UnsupportedFeature, $"RUN --device={device} is not supported: devices cannot be given to a step")
            {
                Hint = "remove --device; steps that need a device must run outside the build", Span = node.SpanOf("--device"),
            };
        }

        string network = flags.Text("network", "default"), security = flags.Text("security", "sandbox");
        if (network is not ("default" or "none" or "host"))
            throw Invalid(node, $"invalid network mode '{network}'", "it is default, none or host", "--network");
        if (security is not ("sandbox" or "insecure"))
            throw Invalid(node, $"security '{security}' is not valid", "it is sandbox or insecure", "--security");
        ImmutableArray<string> mounts = flags.Texts("mount");
        return new RunInstruction(text, Command(node))
        {
            Mounts = mounts, MountSources = [.. mounts.Select(m => MountParser.Source(m, node.SpanOf("--mount")))], Network = network, Security = security,
        };
    }

    private static CopyInstruction Copy(DockerfileNode node, InstructionText text)
    {
        CheckDestination(node, "COPY");
        InstructionFlags flags = InstructionFlags.Parse(node, ("chown", FlagKind.Text), ("from", FlagKind.Text), ("chmod", FlagKind.Text),
            ("link", FlagKind.Boolean), ("exclude", FlagKind.Texts), ("parents", FlagKind.Boolean));
        (ImmutableArray<string> sources, ImmutableArray<InlineFile> files) = Sources(node, "COPY");
        return new CopyInstruction(text)
        {
            Sources = sources, Files = files, Destination = node.Args[^1], Chown = flags.Text("chown"), Chmod = flags.Text("chmod"),
            Link = flags.Boolean("link") ?? false, Excludes = flags.Texts("exclude"), From = flags.Text("from"),
            Parents = flags.Boolean("parents") ?? false,
        };
    }

    private static AddInstruction Add(DockerfileNode node, InstructionText text)
    {
        CheckDestination(node, "ADD");
        InstructionFlags flags = InstructionFlags.Parse(node, ("chown", FlagKind.Text), ("chmod", FlagKind.Text), ("link", FlagKind.Boolean),
            ("keep-git-dir", FlagKind.Boolean), ("checksum", FlagKind.Text), ("unpack", FlagKind.Boolean), ("exclude", FlagKind.Texts));
        (ImmutableArray<string> sources, ImmutableArray<InlineFile> files) = Sources(node, "ADD");
        return new AddInstruction(text)
        {
            Sources = sources, Files = files, Destination = node.Args[^1], Chown = flags.Text("chown"), Chmod = flags.Text("chmod"),
            Link = flags.Boolean("link") ?? false, Excludes = flags.Texts("exclude"), KeepGitDir = flags.Boolean("keep-git-dir"),
            Checksum = flags.Text("checksum"), Unpack = flags.Boolean("unpack"),
        };
    }

    private static void CheckDestination(DockerfileNode node, string keyword)
    {
        if (node.Args.Length < 2)
        {
            throw Invalid(node, $"{keyword} requires at least two arguments, but only {(node.Args.IsEmpty ? "none" : "one")} was provided",
                "the last argument is the destination");
        }
    }

    private static (ImmutableArray<string> Paths, ImmutableArray<InlineFile> Files) Sources(DockerfileNode node, string keyword)
    {
        if (HeredocWord.TryParse(node.Args[^1]) is not null) throw Invalid(node, $"{keyword} cannot accept a heredoc as a destination");
        var paths = ImmutableArray.CreateBuilder<string>();
        var files = ImmutableArray.CreateBuilder<InlineFile>();
        foreach (string word in node.Args[..^1])
        {
            if (HeredocWord.TryParse(word) is not { } opening)
            {
                paths.Add(word);
                continue;
            }

            string content = node.Heredocs.LastOrDefault(h => h.Name == opening.Name)?.Content ?? "";
            files.Add(new InlineFile(opening.Name, (opening with { Content = content }).ChompedContent, opening.Expand));
        }

        return (paths.ToImmutable(), files.ToImmutable());
    }

    private void CheckDescription(DockerfileNode node, string keyword, ImmutableArray<string> names)
    {
        if (node.Comments.IsEmpty || names.Contains(node.Comments[^1].Split(' ')[0])) return;
        linter.For(node.Comments).Report(LintRules.InvalidDefinitionDescription, node.Span, keyword, names.Length > 1 ? "<arg_key>" : names[0]);
    }

    private static string? Description(ImmutableArray<string> comments, string name) =>
        comments.FirstOrDefault(c => c.StartsWith(name + " ", StringComparison.Ordinal))?[(name.Length + 1)..];

    private static KimgException Invalid(DockerfileNode node, string message, string? hint = null, string? word = null) =>
        new(ErrorCode.InvalidInstruction, message)
        {
            Hint = hint ?? $"see {node.Keyword.ToUpperInvariant()} in https://docs.docker.com/reference/dockerfile/",
            Span = word is null ? node.Span : node.SpanOf(word),
        };

    [GeneratedRegex(@"^[a-z][a-z0-9\-_.]*\z")]
    private static partial Regex StageNamePattern();
}
