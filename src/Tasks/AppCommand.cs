using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Tasks;

/// <summary>ENTRYPOINT and CMD from the items of the SDK, by the SDK's rules.</summary>
internal sealed record AppCommand
{
    public ImmutableArray<string> Entrypoint { get; init; } = [];

    public ImmutableArray<string> EntrypointArgs { get; init; } = [];

    public ImmutableArray<string> Command { get; init; } = [];

    public ImmutableArray<string> CommandArgs { get; init; } = [];

    public ImmutableArray<string> DefaultArgs { get; init; } = [];

    /// <summary>Entrypoint, DefaultArgs, None, or empty: chosen by what is set.</summary>
    public string Instruction { get; init; } = "";

    /// <param name="baseEntrypoint">The base's; "dotnet" alone does not count, as some bases have it.</param>
    /// <exception cref="KimgException">InvalidProjectProperty.</exception>
    public (ImmutableArray<string> Entrypoint, ImmutableArray<string> Cmd) Resolve(ImmutableArray<string> baseEntrypoint)
    {
        if (baseEntrypoint is ["dotnet"] or ["/usr/bin/dotnet"]) baseEntrypoint = [];
        (AppCommand command, string instruction) = Choose();
        if (!command.EntrypointArgs.IsEmpty && command.Entrypoint.IsEmpty)
            throw Invalid("ContainerEntrypointArgs is set without ContainerEntrypoint", "use ContainerAppCommandArgs, or ContainerDefaultArgs for what users may replace");
        if (!command.CommandArgs.IsEmpty && command.Command.IsEmpty)
            throw Invalid("ContainerAppCommandArgs is set without ContainerAppCommand", "set ContainerAppCommand too");
        switch (instruction)
        {
            case "None" when !command.Command.IsEmpty || !command.CommandArgs.IsEmpty:
                throw Invalid("ContainerAppCommandInstruction is None, and there is a ContainerAppCommand", "remove one of them");
            case "None":
                return (Or(command.Whole, baseEntrypoint), command.DefaultArgs);
            case "DefaultArgs":
                return (Or(command.Whole, baseEntrypoint), [.. command.Command, .. command.CommandArgs, .. command.DefaultArgs]);
            case "Entrypoint" when !command.Entrypoint.IsEmpty:
                throw Invalid("ContainerAppCommandInstruction is Entrypoint, and there is a ContainerEntrypoint", "remove one of them, or use DefaultArgs");
            case "Entrypoint":
                return ([.. command.Command, .. command.CommandArgs], command.DefaultArgs);
            default:
                throw Invalid($"ContainerAppCommandInstruction: unknown value '{instruction}'", "it is Entrypoint, DefaultArgs or None");
        }
    }

    private ImmutableArray<string> Whole => [.. Entrypoint, .. EntrypointArgs];

    private (AppCommand Command, string Instruction) Choose()
    {
        if (Instruction.Length > 0) return (this, Instruction);
        if (Entrypoint.IsEmpty && EntrypointArgs.IsEmpty) return (this, "Entrypoint");
        if (!Entrypoint.IsEmpty || !DefaultArgs.IsEmpty || !CommandArgs.IsEmpty) return (this, "DefaultArgs");
        // Only arguments, from the time before ContainerAppCommand: they are defaults of the application.
        return (this with { Entrypoint = Command, Command = [], EntrypointArgs = [], DefaultArgs = EntrypointArgs }, "None");
    }

    private static ImmutableArray<string> Or(ImmutableArray<string> own, ImmutableArray<string> other) => own.IsEmpty ? other : own;

    private static KimgException Invalid(string message, string hint) => new(ErrorCode.InvalidProjectProperty, message) { Hint = hint };
}
