using System.Globalization;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>SOURCE_DATE_EPOCH: a number of seconds, <c>context</c>, a named context, or a stage that is one remote ADD on scratch, whose time it
/// takes.</summary>
internal static class EpochResolver
{
    private const string Name = SpecialArguments.Epoch;

    public static async Task ResolveAsync(Lowering lowering, CancellationToken cancellationToken)
    {
        lowering.SourceDateEpoch = lowering.Options.SourceDateEpoch;
        bool given = lowering.BuildArgs.TryGetValue(Name, out string? value);
        if (!given) value = lowering.GlobalArgs.Get(Name);
        if (!given && string.IsNullOrEmpty(value)) return;
        lowering.SourceDateEpoch = await ParseAsync(lowering, value!, cancellationToken);
        string? text = lowering.SourceDateEpoch?.ToString(CultureInfo.InvariantCulture);
        if (given && text is null) lowering.BuildArgs.Remove(Name);
        else if (given) lowering.BuildArgs[Name] = text!;
        if (lowering.GlobalArgs.Get(Name) is null) return;
        if (text is null) lowering.GlobalArgs.Remove(Name);
        else lowering.GlobalArgs.Set(Name, text);
    }

    private static async Task<long?> ParseAsync(Lowering lowering, string value, CancellationToken cancellationToken)
    {
        if (value.Length == 0) return null;
        if (long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long seconds)) return seconds;
        Vertex source = value == "context"
            ? lowering.Options.ContextOrigin ?? lowering.Options.Context
            : (await lowering.Host.FindNamedContextAsync(value, lowering.Options.Platform, cancellationToken))?.Root
                ?? StageSource(lowering, value);
        // Only what is fetched has a time of its own; a local directory leaves the build without one.
        return source.Op is GitSourceOp or HttpSourceOp ? await lowering.Host.FindSourceTimeAsync(source, cancellationToken) : null;
    }

    private static Vertex StageSource(Lowering lowering, string name)
    {
        Stage stage = lowering.File.Stages.FirstOrDefault(s => name.Equals(s.From.Name, StringComparison.OrdinalIgnoreCase))
            ?? throw new KimgException(ErrorCode.InvalidInstruction, $"invalid SOURCE_DATE_EPOCH '{name}'")
            {
                Hint = "it is a number of seconds since 1970, context, or the name of a context or stage",
            };
        EnvList env = lowering.GlobalArgs.Clone();
        env.Remove(Name);
        if (lowering.Expander(env, stage.From.Span).Expand(stage.From.BaseName) != Lowering.Scratch)
            throw Invalid("must be FROM scratch", stage.From.Span);
        Vertex? source = null;
        foreach (Instruction instruction in stage.Instructions)
        {
            switch (instruction)
            {
                case ArgInstruction arg:
                    SetArgs(lowering, arg, env);
                    break;
                case AddInstruction { Sources.Length: 1, Files.IsEmpty: true } add when source is null:
                    source = RemoteSource(lowering, add, env);
                    break;
                case AddInstruction:
                    throw Invalid("must have exactly one remote ADD", instruction.Span);
                default:
                    throw Invalid($"may only have ARG and ADD, not {instruction.Text.Keyword}", instruction.Span);
            }
        }

        return source ?? throw Invalid("must have exactly one remote ADD", stage.From.Span);
    }

    private static void SetArgs(Lowering lowering, ArgInstruction instruction, EnvList env)
    {
        foreach (ArgDefinition arg in instruction.Args)
        {
            if (lowering.BuildArgs.TryGetValue(arg.Key, out string? given)) env.Set(arg.Key, given);
            else if (arg.Value is not null) env.Set(arg.Key, lowering.Expander(env, instruction.Span).Expand(arg.Value));
        }
    }

    private static Vertex RemoteSource(Lowering lowering, AddInstruction add, EnvList env)
    {
        string Expand(string word) => lowering.Expander(env, add.Span).Expand(word);
        var meta = new VertexMeta("[internal] resolve SOURCE_DATE_EPOCH") { Span = add.Span };
        string? checksum = Expand(add.Checksum) is { Length: > 0 } text ? text : null;
        return RemoteSources.TryCreate(Expand(add.Sources[0]), checksum, add, meta) ?? throw Invalid("must ADD an HTTP(S) or git source", add.Span);
    }

    private static KimgException Invalid(string why, SourceSpan span) =>
        new(ErrorCode.InvalidInstruction, $"the stage SOURCE_DATE_EPOCH names {why}")
        {
            Hint = "it is FROM scratch with one ADD of an HTTP(S) or git address", Span = span,
        };
}
