using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sandbox;

/// <summary>What a step's first process tells the worker, one JSON line each: first the stubs, then, only if the step could not be started, why. The end of the
/// pipe without an error means that the program was executed.</summary>
internal sealed record SandboxReport
{
    /// <summary>Paths from the root, outermost first: see <see cref="Sandbox.Stubs"/>.</summary>
    public ImmutableArray<string> Stubs { get; init; } = [];

    public SandboxFailure? Failure { get; init; }
}

internal sealed record SandboxFailure(ErrorCode Code, string Message, string? Hint, int? ExitCode);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SandboxSpec))]
[JsonSerializable(typeof(SandboxReport))]
internal sealed partial class SandboxJson : JsonSerializerContext;
