using System.Collections.Immutable;
using System.Globalization;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>HEALTHCHECK: its type, options and command.</summary>
internal static class HealthcheckParser
{
    private const long Millisecond = 1_000_000;

    public static Healthcheck Parse(DockerfileNode node)
    {
        if (node.Args.IsEmpty) throw Invalid(node, "HEALTHCHECK requires at least one argument", "write HEALTHCHECK CMD command, or HEALTHCHECK NONE");
        string type = node.Args[0].ToUpperInvariant();
        ImmutableArray<string> command = node.Args[1..];
        if (type == "NONE")
        {
            InstructionFlags.Parse(node);
            return command.IsEmpty ? new Healthcheck { Test = ["NONE"] } : throw Invalid(node, "HEALTHCHECK NONE takes no arguments", "remove them");
        }

        InstructionFlags flags = InstructionFlags.Parse(node, ("interval", FlagKind.Text), ("timeout", FlagKind.Text),
            ("start-period", FlagKind.Text), ("start-interval", FlagKind.Text), ("retries", FlagKind.Text));
        if (type != "CMD") throw Invalid(node, $"unknown type '{type}' in HEALTHCHECK", "it is CMD or NONE");
        if (command.IsEmpty) throw Invalid(node, "missing command after HEALTHCHECK CMD", "write HEALTHCHECK CMD command");
        return new Healthcheck
        {
            Test = [node.IsJson ? "CMD" : "CMD-SHELL", .. command],
            Interval = Duration(node, flags, "interval"),
            Timeout = Duration(node, flags, "timeout"),
            StartPeriod = Duration(node, flags, "start-period"),
            StartInterval = Duration(node, flags, "start-interval"),
            Retries = Retries(node, flags.Text("retries")),
        };
    }

    private static long? Duration(DockerfileNode node, InstructionFlags flags, string name)
    {
        string text = flags.Text(name);
        if (text.Length == 0) return null;
        if (GoFormat.ParseDuration(text) is not { } nanoseconds)
            throw Invalid(node, $"invalid duration '{text}' of --{name}", "a duration looks like 1m30s, 500ms or 2h", "--" + name);
        if (nanoseconds == 0) return null;
        return nanoseconds >= Millisecond ? nanoseconds : throw Invalid(node, $"--{name} '{text}' is less than 1ms", "use 0 or at least 1ms", "--" + name);
    }

    private static int? Retries(DockerfileNode node, string text)
    {
        if (text.Length == 0) return null;
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int retries) || retries < 0)
            throw Invalid(node, $"invalid value '{text}' of --retries", "it is a number from 0 up", "--retries");
        return retries == 0 ? null : retries;
    }

    private static KimgException Invalid(DockerfileNode node, string message, string hint, string? word = null) =>
        new(ErrorCode.InvalidInstruction, message) { Hint = hint, Span = word is null ? node.Span : node.SpanOf(word) };
}
