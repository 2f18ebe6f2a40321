using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sandbox;

/// <summary>What a step's first process tells the worker, one JSON line each: first the stubs, then, only if the step could not be started, why. The end of the
/// pipe without an error means that the program was executed.</summary>
internal sealed record SandboxReport
{
    public ImmutableArray<Stub> Stubs { get; init; } = [];

    public SandboxFailure? Failure { get; init; }
}

/// <summary>A file or directory made only to have something to mount on.</summary>
/// <param name="Path">From the root, symlinks resolved.</param>
/// <param name="Before">The parent directory's modification time before it was made.</param>
/// <param name="After">And afterwards.</param>
internal sealed record Stub(string Path, FileTime Before, FileTime After);

internal sealed record SandboxFailure(ErrorCode Code, string Message, string? Hint, int? ExitCode);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SandboxSpec))]
[JsonSerializable(typeof(SandboxReport))]
internal sealed partial class SandboxJson : JsonSerializerContext;
