using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry.Credentials;

/// <summary>All places credentials come from, in order; the first that has one for the registry wins (docs/credentials.md).</summary>
public sealed class CredentialChain : ICredentialSource
{
    private readonly ImmutableArray<ICredentialSource> _sources;

    internal CredentialChain(ImmutableArray<ICredentialSource> sources) => _sources = sources;

    public string Name => string.Join(", ", _sources.Select(source => source.Name));

    public static CredentialChain Create(CredentialOptions options)
    {
        var helpers = new HelperProgram(options);
        var sources = ImmutableArray.CreateBuilder<ICredentialSource>();
        if (!options.Explicit.IsEmpty) sources.Add(FixedCredentials.From(options.Explicit));
        AddVariables(options, sources, "KIMG_REGISTRY_USER", "KIMG_REGISTRY_PASSWORD", "KIMG_REGISTRY");
        AddVariables(options, sources, "DOCKER_USERNAME", "DOCKER_PASSWORD", "DOCKER_REGISTRY");
        if (options.Variable("DOCKER_AUTH_CONFIG") is { } text) sources.Add(new AuthFile("DOCKER_AUTH_CONFIG", text, helpers));
        foreach (string path in Paths(options)) sources.Add(new AuthFile(path, helpers));
        if (CiCredentials.Create(options) is { } ci) sources.Add(ci);
        var cloud = new CloudHttp(options);
        sources.Add(new EcrCredentials(options, cloud));
        sources.Add(new GoogleCredentials(options, cloud));
        sources.Add(new AzureCredentials(options, cloud));
        return new CredentialChain(sources.ToImmutable());
    }

    public Task<Credential?> FindAsync(string registryHost, CancellationToken cancellationToken) =>
        FindAsync(registryHost, null, cancellationToken);

    public async Task<Credential?> FindAsync(string registryHost, string? repository, CancellationToken cancellationToken)
    {
        foreach (ICredentialSource source in _sources)
            if (await source.FindAsync(registryHost, repository, cancellationToken) is { } found) return found;
        return null;
    }

    /// <summary>Docker's files, those of podman and its kin, mounted secrets.</summary>
    internal static IEnumerable<string> Paths(CredentialOptions options)
    {
        foreach (string file in InDirectory(DockerDirectory(options))) yield return file;
        if (options.HomeDirectory is { } home) yield return Path.Combine(home, ".dockercfg");
        // One that cannot be entered is somebody else's.
        foreach (string file in options.OtherBuilders.Where(Directory.Exists).SelectMany(InDirectory)) yield return file;
        if (options.Variable("REGISTRY_AUTH_FILE") is { } named) yield return named;
        if (options.Variable("XDG_RUNTIME_DIR") is { } runtime) yield return Path.Combine(runtime, "containers", "auth.json");
        string? configuration = options.Variable("XDG_CONFIG_HOME") ?? (options.HomeDirectory is { } user ? Path.Combine(user, ".config") : null);
        if (configuration is not null) yield return Path.Combine(configuration, "containers", "auth.json");
        foreach (string path in options.Files.Concat(options.Variable("KIMG_REGISTRY_CONFIG")?.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries) ?? []))
        {
            if (!Directory.Exists(path)) yield return path;
            else foreach (string file in InDirectory(path)) yield return file;
        }
    }

    /// <summary>Where Docker's <c>config.json</c> is, or null without DOCKER_CONFIG and home.</summary>
    internal static string? DockerDirectory(CredentialOptions options) =>
        options.Variable("DOCKER_CONFIG") ?? (options.HomeDirectory is { } home ? Path.Combine(home, ".docker") : null);

    // The names that Kubernetes gives the keys of its two kinds of registry secrets.
    private static IEnumerable<string> InDirectory(string? directory) =>
        directory is null ? [] : new[] { "config.json", ".dockerconfigjson", ".dockercfg" }.Select(name => Path.Combine(directory, name));

    private static void AddVariables(
        CredentialOptions options, ImmutableArray<ICredentialSource>.Builder sources, string user, string password, string registry)
    {
        if (options.Variable(user) is not { } name) return;
        if (options.Variable(password) is not { } secret)
        {
            throw new KimgException(ErrorCode.InvalidArgument, $"{user} is set, but {password} is not")
            {
                Hint = $"set both, and {registry} to the registry they are for (default: docker.io)",
            };
        }

        string host = RegistryKey.Host(options.Variable(registry) ?? Oci.ImageReference.DockerHub);
        sources.Add(new FixedCredentials(user, [new(host, new Credential(name, new Secret(secret)))]));
    }
}
