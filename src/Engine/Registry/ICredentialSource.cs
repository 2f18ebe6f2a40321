namespace Kimg.Engine.Registry;

/// <summary>Where credentials come from. Asked only after a registry has answered 401; the client keeps the answer.</summary>
public interface ICredentialSource
{
    /// <summary>What was searched, for messages ("no credentials for 'r.example.com' in NAME").</summary>
    string Name { get; }

    /// <summary>The credential for a registry, or null when there is none.</summary>
    /// <param name="registryHost">As in an image reference: <c>docker.io</c>, <c>ghcr.io</c>, <c>localhost:5000</c>.</param>
    /// <exception cref="Primitives.KimgException">CredentialHelperFailed, InvalidConfigurationFile.</exception>
    Task<Credential?> FindAsync(string registryHost, CancellationToken cancellationToken);

    /// <summary>The same for one repository: some files hold credentials for a part of a registry (containers-auth.json(5)).</summary>
    /// <param name="repository">Without the registry: <c>team/app</c>; null: not known.</param>
    Task<Credential?> FindAsync(string registryHost, string? repository, CancellationToken cancellationToken) =>
        FindAsync(registryHost, cancellationToken);
}
