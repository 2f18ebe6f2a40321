using System.Collections.Immutable;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>How an instruction is written: keyword and text (trimmed, continuation removed) as in the file.</summary>
internal sealed record InstructionText(string Keyword, string Source, SourceSpan Span, ImmutableArray<string> Comments);

/// <summary>A checked instruction. Words are not expanded yet: what they mean depends on the stage.</summary>
internal abstract record Instruction(InstructionText Text)
{
    public SourceSpan Span => Text.Span;
}

internal sealed record FromInstruction(InstructionText Text, string BaseName, string? Name, string? Platform) : Instruction(Text)
{
    public string? Description { get; init; }
}

/// <summary>A build stage: FROM and what follows it.</summary>
internal sealed record Stage(FromInstruction From, ImmutableArray<Instruction> Instructions);

/// <summary>The stages of a Dockerfile and the ARGs before the first.</summary>
internal sealed record BoundDockerfile(DockerfileAst Ast, ImmutableArray<ArgInstruction> GlobalArgs, ImmutableArray<Stage> Stages);

/// <summary>A pair of ENV or LABEL. Legacy: written with a blank instead of "=".</summary>
internal sealed record KeyValue(string Key, string Value, bool Legacy);

internal sealed record EnvInstruction(InstructionText Text, ImmutableArray<KeyValue> Pairs) : Instruction(Text);

internal sealed record LabelInstruction(InstructionText Text, ImmutableArray<KeyValue> Pairs) : Instruction(Text);

/// <summary>A variable of ARG; Value null: no default.</summary>
internal sealed record ArgDefinition(string Key, string? Value, string? Description);

internal sealed record ArgInstruction(InstructionText Text, ImmutableArray<ArgDefinition> Args) : Instruction(Text);

internal sealed record MaintainerInstruction(InstructionText Text, string Author) : Instruction(Text);

internal sealed record WorkdirInstruction(InstructionText Text, string Path) : Instruction(Text);

internal sealed record UserInstruction(InstructionText Text, string User) : Instruction(Text);

internal sealed record StopSignalInstruction(InstructionText Text, string Signal) : Instruction(Text);

internal sealed record VolumeInstruction(InstructionText Text, ImmutableArray<string> Paths) : Instruction(Text);

internal sealed record ExposeInstruction(InstructionText Text, ImmutableArray<string> Ports) : Instruction(Text);

internal sealed record ShellInstruction(InstructionText Text, ImmutableArray<string> Shell) : Instruction(Text);

internal sealed record HealthcheckInstruction(InstructionText Text, Healthcheck Healthcheck) : Instruction(Text);

/// <summary>Trigger: the text behind ONBUILD, here-documents included.</summary>
internal sealed record OnBuildInstruction(InstructionText Text, string Trigger) : Instruction(Text);

/// <summary>The words of a JSON form, or the one text of a shell form.</summary>
internal sealed record CommandLine(ImmutableArray<string> Words, bool IsShell, ImmutableArray<Heredoc> Heredocs);

internal sealed record CmdInstruction(InstructionText Text, CommandLine Command) : Instruction(Text);

internal sealed record EntrypointInstruction(InstructionText Text, CommandLine Command) : Instruction(Text);

/// <summary>Mounts are the raw texts of --mount; <see cref="MountParser"/> reads them once variables can be expanded.</summary>
internal sealed record RunInstruction(InstructionText Text, CommandLine Command) : Instruction(Text)
{
    public ImmutableArray<string> Mounts { get; init; } = [];

    /// <summary>The stage or image each mount is from, or null; never expanded.</summary>
    public ImmutableArray<string?> MountSources { get; init; } = [];

    public string Network { get; init; } = "default";

    public string Security { get; init; } = "sandbox";
}

/// <summary>A here-document given as a source of COPY or ADD.</summary>
internal sealed record InlineFile(string Name, string Content, bool Expand);

/// <summary>What COPY and ADD share.</summary>
internal abstract record TransferInstruction(InstructionText Text) : Instruction(Text)
{
    public required ImmutableArray<string> Sources { get; init; }

    public required ImmutableArray<InlineFile> Files { get; init; }

    public required string Destination { get; init; }

    public string Chown { get; init; } = "";

    public string Chmod { get; init; } = "";

    public bool Link { get; init; }

    public ImmutableArray<string> Excludes { get; init; } = [];
}

internal sealed record CopyInstruction(InstructionText Text) : TransferInstruction(Text)
{
    public string From { get; init; } = "";

    public bool Parents { get; init; }
}

internal sealed record AddInstruction(InstructionText Text) : TransferInstruction(Text)
{
    public bool? KeepGitDir { get; init; }

    public string Checksum { get; init; } = "";

    public bool? Unpack { get; init; }
}
