using System.Collections.Immutable;

namespace Kimg.Cli.CommandLine;

/// <summary>Options every verb takes.</summary>
internal static class GlobalOptions
{
    public static readonly OptionRow Debug = new("debug", ValueKind.Flag, "Show stack traces of internal errors and more detail of warnings")
    {
        Short = 'D', Configurable = true,
    };

    public static readonly OptionRow LogFormat = new("log-format", ValueKind.Single, "How errors and notices are written when they are not for a person")
    {
        Value = "FORMAT", Choices = ["text", "logfmt", "json"], Default = "text", Configurable = true,
    };

    public static readonly OptionRow Help = new("help", ValueKind.Flag, "Show this help") { Short = 'h' };

    public static readonly ImmutableArray<OptionRow> All = [Debug, LogFormat, Help];
}
