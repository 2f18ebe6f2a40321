using System.Collections.Immutable;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Registry.Credentials;

namespace Kimg.Engine.Build;

/// <summary>kimg login and logout.</summary>
public static class Logins
{
    /// <summary>Tries the credential at the registry, then stores it where docker does. Returns where.</summary>
    /// <param name="registry">As in an image name: <c>ghcr.io</c>, <c>localhost:5000</c>.</param>
    /// <exception cref="KimgException">AuthenticationFailed, RegistryUnreachable, CredentialHelperFailed, …</exception>
    public static async Task<string> LoginAsync(BuilderOptions options, string registry, string user, Secret password, CancellationToken cancellationToken = default)
    {
        CredentialOptions stored = Options(options);
        var credential = new Credential(user, password) { Source = "the command line" };
        var only = new CredentialOptions { Environment = System.Collections.Frozen.FrozenDictionary<string, string>.Empty, Explicit = [new(registry, credential)] };
        using (var client = new RegistryClient(options.Registry with { Credentials = CredentialChain.Create(only) })) await client.PingAsync(registry, cancellationToken);
        var store = new LoginStore(stored);
        string? helper = await store.SaveAsync(registry, credential, cancellationToken);
        return helper is null ? store.Path : $"credential helper {helper}";
    }

    /// <returns>False when nothing was stored.</returns>
    public static Task<bool> LogoutAsync(BuilderOptions options, string registry, CancellationToken cancellationToken = default) =>
        new LoginStore(Options(options)).RemoveAsync(registry, cancellationToken);

    /// <returns>The registries whose credentials were there.</returns>
    public static Task<ImmutableArray<string>> LogoutAllAsync(BuilderOptions options, CancellationToken cancellationToken = default) =>
        new LoginStore(Options(options)).RemoveAllAsync(cancellationToken);

    /// <summary>Lets the terminal not show what is typed, until disposed.</summary>
    public static IDisposable HideTyping() => Native.TerminalEcho.Hide();

    private static CredentialOptions Options(BuilderOptions options) =>
        options.Credentials ?? throw new KimgException(ErrorCode.InvalidArgument, "there is no place to keep credentials in");
}
