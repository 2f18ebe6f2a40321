using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net.Http.Headers;
using System.Text;

namespace Kimg.Engine.Registry;

/// <summary>Answers a registry's challenges and remembers, per registry, which kind it wants and, per scope, the tokens it gave.</summary>
internal sealed class Authorizer(RegistryOptions options, TokenService tokens) : IDisposable
{
    private readonly ConcurrentDictionary<string, HostState> _hosts = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What to send without having been asked in this exchange; null until the registry has asked once.</summary>
    public async Task<AuthenticationHeaderValue?> CurrentAsync(
        RegistryEndpoint endpoint, ImmutableArray<string> scopes, CancellationToken cancellationToken)
    {
        HostState state = StateOf(endpoint);
        return state.Challenge is { } challenge ? await HeaderAsync(state, endpoint, challenge, scopes, null, cancellationToken) : null;
    }

    /// <summary>What to send after a 401, or null when there is nothing else to offer.</summary>
    /// <param name="rejected">What was sent, if anything.</param>
    public async Task<AuthenticationHeaderValue?> AnswerAsync(
        RegistryEndpoint endpoint, ImmutableArray<string> scopes, HttpResponseMessage unauthorized, AuthenticationHeaderValue? rejected,
        CancellationToken cancellationToken)
    {
        ImmutableArray<AuthChallenge> challenges = unauthorized.Headers.TryGetValues("WWW-Authenticate", out IEnumerable<string>? values)
            ? AuthChallenge.ParseAll(values)
            : [];
        AuthChallenge? challenge = challenges.FirstOrDefault(c => c.Is("Bearer")) ?? challenges.FirstOrDefault(c => c.Is("Basic"));
        if (challenge is null) return null;
        HostState state = StateOf(endpoint);
        state.Challenge = challenge;
        AuthenticationHeaderValue? answer = await HeaderAsync(state, endpoint, challenge, scopes, rejected, cancellationToken);
        return answer is null || (rejected is not null && Same(answer, rejected)) ? null : answer;
    }

    /// <summary>Which credentials were used, for messages.</summary>
    public string Describe(RegistryEndpoint endpoint) => StateOf(endpoint).Credential switch
    {
        { } credential => $"the credentials of '{credential.Username}' from {credential.Source ?? options.Credentials?.Name ?? "the options"}",
        null when options.Credentials is { } source => $"no credentials for '{endpoint.CredentialHost}' in {source.Name}",
        null => "no credentials",
    };

    public bool HasCredential(RegistryEndpoint endpoint) => StateOf(endpoint).Credential is not null;

    public void Dispose()
    {
        foreach (HostState state in _hosts.Values) state.Gate.Dispose();
    }

    private static bool Same(AuthenticationHeaderValue a, AuthenticationHeaderValue b) => a.Scheme == b.Scheme && a.Parameter == b.Parameter;

    private HostState StateOf(RegistryEndpoint endpoint) => _hosts.GetOrAdd(endpoint.Base.Authority, static _ => new HostState());

    private async Task<AuthenticationHeaderValue?> HeaderAsync(
        HostState state, RegistryEndpoint endpoint, AuthChallenge challenge, ImmutableArray<string> scopes, AuthenticationHeaderValue? rejected,
        CancellationToken cancellationToken)
    {
        await state.Gate.WaitAsync(cancellationToken);
        try
        {
            if (!state.CredentialSearched)
            {
                state.Credential = options.Credentials is null
                    ? null
                    : await options.Credentials.FindAsync(endpoint.CredentialHost, cancellationToken);
                state.CredentialSearched = true;
            }

            if (challenge.Is("Basic")) return state.Credential is null ? null : Basic(state.Credential);
            return await BearerAsync(state, endpoint, challenge, scopes, rejected, cancellationToken);
        }
        finally
        {
            state.Gate.Release();
        }
    }

    private async Task<AuthenticationHeaderValue?> BearerAsync(
        HostState state, RegistryEndpoint endpoint, AuthChallenge challenge, ImmutableArray<string> scopes, AuthenticationHeaderValue? rejected,
        CancellationToken cancellationToken)
    {
        string key = string.Join(' ', scopes.Order(StringComparer.Ordinal));
        if (state.Tokens.TryGetValue(key, out RegistryToken? token) && token.ValidUntil > options.Time.GetUtcNow())
        {
            var known = new AuthenticationHeaderValue("Bearer", token.Value.Reveal());
            // Another request may have fetched a new one since ours was refused.
            if (rejected is null || !Same(known, rejected)) return known;
        }

        ImmutableArray<string> wanted = scopes.IsEmpty && challenge["scope"] is { Length: > 0 } asked ? [asked] : scopes;
        token = await tokens.FetchAsync(endpoint, challenge, wanted, state.Credential, cancellationToken);
        state.Tokens[key] = token;
        return new AuthenticationHeaderValue("Bearer", token.Value.Reveal());
    }

    internal static AuthenticationHeaderValue Basic(Credential credential) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(credential.Username + ":" + credential.Password.Reveal())));

    private sealed class HostState
    {
        public SemaphoreSlim Gate { get; } = new(1);

        public AuthChallenge? Challenge { get; set; }

        public bool CredentialSearched { get; set; }

        public Credential? Credential { get; set; }

        public Dictionary<string, RegistryToken> Tokens { get; } = [];
    }
}
