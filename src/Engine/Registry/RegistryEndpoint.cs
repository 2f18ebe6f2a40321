namespace Kimg.Engine.Registry;

/// <summary>Where requests for a registry are sent: the registry itself or one of its mirrors.</summary>
/// <param name="Base">Scheme and authority only.</param>
/// <param name="CredentialHost">Under which name credentials and certificates are looked up.</param>
internal sealed record RegistryEndpoint(Uri Base, string CredentialHost)
{
    /// <summary>Put before repository names; "" or ends with a slash.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The beginning of repository names that <see cref="Prefix"/> stands for; mostly "".</summary>
    public string Replaced { get; init; } = "";

    /// <summary>For a mirror the registry it stands for, sent as <c>?ns=</c> as containerd does.</summary>
    public string? Namespace { get; init; }

    /// <summary>Certificates are not checked; answers may lead to plain http.</summary>
    public bool Insecure { get; init; }

    /// <summary>The other scheme, tried when the first exchange with <see cref="Base"/> shows that nobody speaks it there.</summary>
    public Uri? Alternative { get; init; }

    public bool IsMirror => Namespace is not null;

    public bool IsHttps => Base.Scheme == Uri.UriSchemeHttps;

    /// <summary>The address of a repository's resource, <c>manifests/latest</c> or <c>blobs/uploads/?mount=…</c>; without a repository that of the registry.</summary>
    public Uri Resource(string repository, string resource)
    {
        if (repository.Length == 0) return new Uri(Base, "/v2/");
        string ns = Namespace is null ? "" : (resource.Contains('?') ? "&ns=" : "?ns=") + Uri.EscapeDataString(Namespace);
        return new Uri(Base, $"/v2/{NameOf(repository)}/{resource}{ns}");
    }

    /// <summary>What a repository is called there.</summary>
    public string NameOf(string repository) => (Prefix + repository[Replaced.Length..].TrimStart('/')).TrimEnd('/');
}
