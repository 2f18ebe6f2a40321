using System.Collections.Immutable;

namespace Kimg.Engine.Registry.Credentials;

/// <summary>Credentials that are known from the start.</summary>
internal sealed class FixedCredentials(string name, ImmutableArray<ExplicitCredential> credentials) : ICredentialSource
{
    public string Name => name;

    public static FixedCredentials From(ImmutableArray<ExplicitCredential> credentials) => new("command line", credentials);

    public Task<Credential?> FindAsync(string registryHost, CancellationToken cancellationToken) => FindAsync(registryHost, null, cancellationToken);

    public Task<Credential?> FindAsync(string registryHost, string? repository, CancellationToken cancellationToken) => Task.FromResult(
        credentials.FirstOrDefault(known => RegistryKey.Fit(known.Registry, registryHost, repository) > 0)?.Credential is { } found
            ? found with { Source = found.Source ?? name }
            : null);
}
