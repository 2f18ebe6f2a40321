using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

internal enum FlagKind
{
    Text,
    Texts,
    Boolean,
}

/// <summary>The flags of one instruction, checked against those it knows.</summary>
internal sealed class InstructionFlags
{
    private readonly Dictionary<string, List<string>> _values = [];

    /// <exception cref="KimgException">UnknownFlag with a suggestion; InvalidInstruction for a repeated flag or a bad value.</exception>
    public static InstructionFlags Parse(DockerfileNode node, params ReadOnlySpan<(string Name, FlagKind Kind)> known)
    {
        var flags = new InstructionFlags();
        foreach (string text in node.Flags)
        {
            int equals = text.IndexOf('=');
            string flag = equals < 0 ? text : text[..equals], name = flag[2..];
            string? value = equals < 0 ? null : text[(equals + 1)..];
            FlagKind kind = Find(node, flag, name, known);
            if (flags._values.ContainsKey(name) && kind != FlagKind.Texts)
                throw Invalid(node, flag, $"the flag {flag} is given twice", "keep one of them");
            if (kind == FlagKind.Boolean)
            {
                if (value is "") throw Invalid(node, flag, $"the flag {flag} has no value", $"write {flag}, {flag}=true or {flag}=false");
                value = (value ?? "true").ToLowerInvariant();
                if (value is not ("true" or "false"))
                    throw Invalid(node, flag, $"expecting a boolean value for {flag}, not '{value}'", "it is true or false");
            }
            else if (value is null)
            {
                throw Invalid(node, flag, $"the flag {flag} has no value", $"write {flag}=value");
            }

            if (!flags._values.TryGetValue(name, out List<string>? values)) flags._values[name] = values = [];
            values.Add(value);
        }

        return flags;
    }

    public string Text(string name, string missing = "") => _values.TryGetValue(name, out List<string>? values) ? values[0] : missing;

    public ImmutableArray<string> Texts(string name) => _values.TryGetValue(name, out List<string>? values) ? [.. values] : [];

    public bool? Boolean(string name) => _values.TryGetValue(name, out List<string>? values) ? values[0] == "true" : null;

    private static FlagKind Find(DockerfileNode node, string flag, string name, ReadOnlySpan<(string Name, FlagKind Kind)> known)
    {
        var names = new List<string>();
        foreach ((string candidate, FlagKind kind) in known)
        {
            if (candidate == name) return kind;
            names.Add(candidate);
        }

        string keyword = node.Keyword.ToUpperInvariant();
        throw new KimgException(ErrorCode.UnknownFlag, $"unknown flag {flag} of {keyword}")
        {
            Hint = Suggestion.Nearest(name, names) is { } near ? $"did you mean --{near}?"
                : names.Count > 0 ? $"{keyword} knows --{string.Join(", --", names)}" : $"{keyword} has no flags",
            Span = node.SpanOf(flag),
        };
    }

    private static KimgException Invalid(DockerfileNode node, string flag, string message, string hint) =>
        new(ErrorCode.InvalidInstruction, message) { Hint = hint, Span = node.SpanOf(flag) };
}
