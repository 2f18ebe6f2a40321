using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Kimg.Engine.Registry.Credentials;

/// <summary>Everything credentials are looked for with. The front fills it in; the engine reads no environment.</summary>
public sealed record CredentialOptions
{
    public required FrozenDictionary<string, string> Environment { get; init; }

    /// <summary>The user's own home directory, or null when there is none.</summary>
    public string? HomeDirectory { get; init; }

    /// <summary>Given on the command line or through the API: asked first.</summary>
    public ImmutableArray<ExplicitCredential> Explicit { get; init; } = [];

    /// <summary>Files and directories to look in besides the usual ones, such as mounted Kubernetes secrets.</summary>
    public ImmutableArray<string> Files { get; init; } = [];

    /// <summary>Look for cloud credentials on metadata services, too; they are asked only for registries of that cloud.</summary>
    public bool CloudMetadata { get; init; } = true;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Makes the handler that cloud services are called through; null: an ordinary one.</summary>
    public Func<HttpMessageHandler>? CloudHandler { get; init; }

    /// <summary>How long a metadata service may take: the build of every machine without one waits for it.</summary>
    internal TimeSpan MetadataPatience { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Where Kaniko's and Kimia's images have Docker's file, so that pods mount it there.</summary>
    internal ImmutableArray<string> OtherBuilders { get; init; } = ["/kaniko/.docker", "/home/kimia/.docker"];

    internal string? Variable(string name) => Environment.TryGetValue(name, out string? value) && value.Length > 0 ? value : null;
}

/// <param name="Registry">As in an image name: <c>ghcr.io</c>, <c>localhost:5000</c>.</param>
public sealed record ExplicitCredential(string Registry, Credential Credential);
