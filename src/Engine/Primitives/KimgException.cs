namespace Kimg.Engine.Primitives;

/// <summary>The one exception that crosses the engine's boundary. The message is one line, lower case, without a full stop; it quotes
/// user input in '…' and names the path tried. Never holds a secret.</summary>
public sealed class KimgException(ErrorCode code, string message, Exception? inner = null) : Exception(message, inner)
{
    public ErrorCode Code { get; } = code;

    /// <summary>What the user can do about it, or null.</summary>
    public string? Hint { get; init; }

    /// <summary>Where in a Dockerfile, or null.</summary>
    public SourceSpan? Span { get; init; }

    /// <summary>The failed step's own exit code, when <see cref="ErrorCode.StepFailed"/>.</summary>
    public int? StepExitCode { get; init; }

    public int ExitCode => Code.ToExitCode();
}
