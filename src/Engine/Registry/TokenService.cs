using System.Collections.Immutable;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>Fetches bearer tokens from the service a registry's challenge names (distribution's "token" and "oauth" specifications).</summary>
internal sealed class TokenService(RegistryOptions options, HttpExchange exchange, HostTrust trust)
{
    private static readonly TimeSpan s_shortest = TimeSpan.FromSeconds(60);

    /// <exception cref="KimgException">AuthenticationFailed when the realm is not acceptable or the service says no.</exception>
    /// <exception cref="HttpRequestException">The service failed; trying again may help.</exception>
    public async Task<RegistryToken> FetchAsync(
        RegistryEndpoint registry, AuthChallenge challenge, ImmutableArray<string> scopes, Credential? credential,
        CancellationToken cancellationToken)
    {
        Uri realm = await RealmAsync(registry, challenge, cancellationToken);
        var endpoint = new RegistryEndpoint(new Uri(realm.GetLeftPart(UriPartial.Authority)), registry.CredentialHost)
        {
            // A registry that answers for its own tokens is as insecure as declared; another host is not.
            Insecure = registry.Insecure && HttpExchange.SameOrigin(realm, registry.Base),
        };
        var request = new RegistryRequest(HttpMethod.Get, endpoint, "", $"token for '{registry.CredentialHost}'");
        AuthenticationHeaderValue? authorization = null;
        if (credential?.IdentityToken is { } identity)
        {
            request = request with { Method = HttpMethod.Post, Location = realm, Body = RefreshForm(challenge, scopes, identity) };
        }
        else
        {
            request = request with { Location = WithQuery(realm, challenge, scopes, credential) };
            if (credential is not null) authorization = Authorizer.Basic(credential);
        }

        using HttpResponseMessage response = await exchange.SendAsync(request, endpoint, authorization, cancellationToken);
        if (!response.IsSuccessStatusCode) throw await FailureAsync(registry, realm, response, credential, cancellationToken);
        return await ReadAsync(registry, realm, response, cancellationToken);
    }

    private async Task<Uri> RealmAsync(RegistryEndpoint registry, AuthChallenge challenge, CancellationToken cancellationToken)
    {
        string text = challenge["realm"] ?? "";
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? realm) || realm.Scheme is not ("http" or "https") || realm.UserInfo.Length > 0)
            throw Refused("that is not an absolute http address");
        if (registry.IsHttps && realm.Scheme != "https" && !registry.Insecure) throw Refused("that is not https although the registry is");
        if (!await trust.MayNameAsync(registry.Base, realm, cancellationToken)) throw Refused("that is on a private network and the registry is not");
        return realm;

        KimgException Refused(string why) => new(
            ErrorCode.AuthenticationFailed,
            $"registry '{registry.CredentialHost}' names '{(realm is null ? OneLine.Of(text, 200) : RedactedUrl.Of(realm))}' as its token service: {why}")
        {
            Hint = "nothing was sent there; check the registry's configuration",
        };
    }

    private static Uri WithQuery(Uri realm, AuthChallenge challenge, ImmutableArray<string> scopes, Credential? credential)
    {
        var query = new StringBuilder(realm.Query.TrimStart('?'));
        if (challenge["service"] is { Length: > 0 } service) Add("service", service);
        foreach (string scope in scopes) Add("scope", scope);
        if (credential is { Username.Length: > 0 }) Add("account", credential.Username);
        return new UriBuilder(realm) { Query = query.ToString() }.Uri;

        void Add(string name, string value) =>
            query.Append(query.Length > 0 ? "&" : "").Append(name).Append('=').Append(Uri.EscapeDataString(value));
    }

    private static RequestBody RefreshForm(AuthChallenge challenge, ImmutableArray<string> scopes, Secret identity)
    {
        string form = "grant_type=refresh_token&client_id=kimg"
            + $"&service={Uri.EscapeDataString(challenge["service"] ?? "")}"
            + $"&scope={Uri.EscapeDataString(string.Join(' ', scopes))}"
            + $"&refresh_token={Uri.EscapeDataString(identity.Reveal())}";
        return RequestBody.Of("application/x-www-form-urlencoded", Encoding.UTF8.GetBytes(form));
    }

    private async Task<RegistryToken> ReadAsync(
        RegistryEndpoint registry, Uri realm, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using Stream body = await response.Content.ReadAsStreamAsync(cancellationToken);
        byte[] bytes = await BoundedBody.ReadAsync(body, response.Content.Headers.ContentLength, BoundedBody.Token, "the token", cancellationToken);
        TokenAnswer? answer = null;
        try
        {
            answer = JsonSerializer.Deserialize(bytes, RegistryJson.Default.TokenAnswer);
        }
        catch (JsonException)
        {
            // Told below: the exception's text would quote the token.
        }

        string? token = answer?.Token is { Length: > 0 } t ? t : answer?.AccessToken;
        if (string.IsNullOrEmpty(token) || token.Any(c => c is <= ' ' or > '~'))
        {
            throw new KimgException(
                ErrorCode.AuthenticationFailed, $"token service '{RedactedUrl.Of(realm)}' of '{registry.CredentialHost}' gave no usable token");
        }

        // A little before it expires, so that it is still good when it arrives.
        TimeSpan life = TimeSpan.FromSeconds(Math.Clamp(answer!.ExpiresIn ?? 0, s_shortest.TotalSeconds, 86400) * 0.9);
        return new RegistryToken(new Secret(token), options.Time.GetUtcNow() + life);
    }

    private static async Task<Exception> FailureAsync(
        RegistryEndpoint registry, Uri realm, HttpResponseMessage response, Credential? credential, CancellationToken cancellationToken)
    {
        string said = await RegistryErrors.BodyTextAsync(response, cancellationToken);
        string message = $"token service '{RedactedUrl.Of(realm)}' of '{registry.CredentialHost}' answered {RegistryErrors.Status(response)}{said}";
        if (RetryPolicy.IsTransient(response.StatusCode)) return new HttpRequestException(message, null, response.StatusCode);
        return new KimgException(ErrorCode.AuthenticationFailed, message)
        {
            Hint = credential is null
                ? $"no credentials were found for '{registry.CredentialHost}': log in with 'kimg login {registry.CredentialHost}'"
                : $"check the credentials of '{credential.Username}' from {credential.Source ?? "the configuration"}",
        };
    }
}

/// <summary>A bearer token and until when to use it.</summary>
internal sealed record RegistryToken(Secret Value, DateTimeOffset ValidUntil);
