using System.Collections.Immutable;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Registry.Credentials;

namespace Kimg.Engine.Build;

/// <summary>The surroundings of builds: everything the engine would otherwise have to ask the process it is in.</summary>
public sealed record BuilderOptions
{
    /// <summary>Absolute; shared by all builds of one user.</summary>
    public required string StateDirectory { get; init; }

    /// <summary>"auto", or the name of a rung of the isolation ladder.</summary>
    public string Isolation { get; init; } = "auto";

    /// <summary>"auto", "overlay", "fuse-overlayfs" or "native".</summary>
    public string StorageDriver { get; init; } = "auto";

    /// <summary>Kernel features to do without, for tests ("overlay", "fsopen", …).</summary>
    public ImmutableArray<string> Without { get; init; } = [];

    /// <summary>The kimg binary the worker runs as; null: this process's own.</summary>
    public string? WorkerExecutable { get; init; }

    /// <summary>Static user-mode emulators for foreign steps, by architecture, "" for all; absolute paths. Others are looked for where Debian keeps them.</summary>
    public ImmutableSortedDictionary<string, string> Emulators { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>What is collected after builds; null: nothing.</summary>
    public CollectionPolicy? Collection { get; init; }

    public RegistryOptions Registry { get; init; } = new();

    /// <summary>How long reading the list of an imported cache may take, retries included: every step that is not known here waits for it.</summary>
    internal TimeSpan CachePatience { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Where credentials are looked for and what login changes; null: the registry options' own source, and no login.</summary>
    public CredentialOptions? Credentials { get; init; }

    /// <summary>Looks up a variable of the user's environment (secrets by env=, SSH_AUTH_SOCK).</summary>
    public Func<string, string?> Environment { get; init; } = _ => null;

    /// <summary>Where an output with dest=- goes.</summary>
    public Func<Stream> Output { get; init; } =
        () => throw new KimgException(ErrorCode.InvalidOutput, "there is no standard output to write to") { Hint = "give the output a file as dest=" };

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
