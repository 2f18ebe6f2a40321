using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Kimg.Engine.RegistryServer;

/// <summary>Who may do what: nobody is asked, a name and password with each request, or a token (distribution's token protocol, both its GET and its
/// OAuth2 form). Every user may do everything.</summary>
internal sealed class RegistryAccess(RegistryServerOptions options, Uri url)
{
    private static readonly TimeSpan s_lifetime = TimeSpan.FromMinutes(5);
    private readonly ConcurrentDictionary<string, Grant> _tokens = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _refreshTokens = new(StringComparer.Ordinal);

    /// <param name="repository">Null: the registry itself (the version check, the catalogue).</param>
    /// <param name="action">pull, push or delete.</param>
    /// <exception cref="RequestFault">401 with the challenge.</exception>
    public void Demand(ServerRequest request, string? repository, string action)
    {
        if (options.Users is null) return;
        if (!options.Bearer)
        {
            if (options.AnonymousPull && repository is not null && action == "pull") return;
            if (User(request) is null) throw Refuse("Basic realm=\"kimg\"");
            return;
        }

        string scope = repository is null ? "" : $",scope=\"repository:{repository}:{(action == "push" ? "pull,push" : action)}\"";
        string challenge = $"Bearer realm=\"{url}token\",service=\"{url.Authority}\"{scope}";
        if (request.Header("Authorization") is not { } header || !header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)) throw Refuse(challenge);
        if (!_tokens.TryGetValue(header[7..].Trim(), out Grant? grant) || grant.Expires <= options.Time.GetUtcNow())
            throw Refuse(challenge + ",error=\"invalid_token\"");
        if (repository is not null && !grant.Scopes.Contains($"{repository}:{action}")) throw Refuse(challenge + ",error=\"insufficient_scope\"");
    }

    /// <summary>Whether <see cref="Demand"/> would let this pass.</summary>
    public bool Allows(ServerRequest request, string repository, string action)
    {
        try
        {
            Demand(request, repository, action);
            return true;
        }
        catch (RequestFault)
        {
            return false;
        }
    }

    /// <summary>The token service: GET with basic authentication, or POST with a form (grant_type password or refresh_token).</summary>
    public async Task<ServerResponse> IssueTokenAsync(ServerRequest request, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<string, string> values = request.Query;
        string? user = User(request);
        bool offline = values.GetValueOrDefault("offline_token") == "true";
        if (request.Method == "POST")
        {
            values = FormText.Parse(Encoding.UTF8.GetString(await BoundedBody.ReadAsync(request.Body, 64 * 1024, cancellationToken)));
            offline = values.GetValueOrDefault("access_type") == "offline";
            user = values.GetValueOrDefault("grant_type") switch
            {
                "password" => Check(values.GetValueOrDefault("username", ""), values.GetValueOrDefault("password", "")),
                "refresh_token" => _refreshTokens.GetValueOrDefault(values.GetValueOrDefault("refresh_token", "")),
                _ => throw RequestFault.Invalid("UNSUPPORTED", "grant_type must be password or refresh_token"),
            };
        }

        bool anonymous = user is null && request.Method == "GET" && request.Header("Authorization") is null && options.AnonymousPull;
        if (user is null && !anonymous) throw Refuse("Basic realm=\"kimg\"");
        var scopes = ImmutableHashSet.CreateBuilder<string>(StringComparer.Ordinal);
        foreach (string scope in values.GetValueOrDefault("scope", "").Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (scope.Split(':', 2) is not ["repository", var rest] || rest.LastIndexOf(':') is var colon && colon < 0) continue;
            foreach (string action in rest[(colon + 1)..].Split(','))
                if (!anonymous || action == "pull") scopes.Add($"{rest[..colon]}:{action}");
        }

        DateTimeOffset now = options.Time.GetUtcNow();
        foreach ((string old, Grant grant) in _tokens)
            if (grant.Expires <= now) _tokens.TryRemove(old, out _);
        string token = Random();
        _tokens[token] = new Grant(scopes.ToImmutable(), now + s_lifetime);
        string? refresh = offline && user is not null ? Random() : null;
        if (refresh is not null) _refreshTokens[refresh] = user!;
        return ServerResponse.Json(200, json =>
        {
            json.WriteStartObject();
            json.WriteString("token", token);
            json.WriteString("access_token", token);
            json.WriteNumber("expires_in", (int)s_lifetime.TotalSeconds);
            json.WriteString("issued_at", now.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
            if (refresh is not null) json.WriteString("refresh_token", refresh);
            json.WriteEndObject();
        });
    }

    private string? User(ServerRequest request)
    {
        if (request.Header("Authorization") is not { } header || !header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase)) return null;
        var bytes = new byte[header.Length];
        if (!Convert.TryFromBase64String(header[6..].Trim(), bytes, out int length)) return null;
        return Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2) is [var user, var password] ? Check(user, password) : null;
    }

    private string? Check(string user, string password) =>
        options.Users is { } users && users.TryGetValue(user, out string? right)
        && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(right)), SHA256.HashData(Encoding.UTF8.GetBytes(password)))
            ? user
            : null;

    private static string Random() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static RequestFault Refuse(string challenge) =>
        new(401, "UNAUTHORIZED", "authentication required") { Header = ("WWW-Authenticate", challenge) };

    private sealed record Grant(ImmutableHashSet<string> Scopes, DateTimeOffset Expires);
}
