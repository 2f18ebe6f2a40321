using System.Globalization;
using System.Text;
using System.Text.Json;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;

namespace Kimg.Engine.Cache;

/// <summary>Finds credentials where AWS's own tools look, in their order: given ones, environment, web identity (IRSA), shared files, container endpoint, instance
/// metadata. Asked again when they are about to expire.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Reliability", "CA1001", Justification = "a semaphore without a wait handle holds nothing")]
internal sealed class AwsCredentialChain(S3Cache cache, CacheHttp http, Func<string, string?> environment)
{
    private const int MaxAnswer = 1 << 20;

    private static readonly TimeSpan s_margin = TimeSpan.FromMinutes(5), s_metadataPatience = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _gate = new(1);
    private AwsCredentials? _known;

    /// <exception cref="KimgException">AuthenticationFailed: there are none.</exception>
    public async Task<AwsCredentials> GetAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_known is { } known && !(known.Expires - s_margin < http.Options.Time.GetUtcNow())) return known;
            return _known = await FindAsync(cancellationToken) ?? throw new KimgException(ErrorCode.AuthenticationFailed, $"no AWS credentials for the bucket '{cache.Bucket}'")
            {
                Hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give the job a role",
            };
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<AwsCredentials?> FindAsync(CancellationToken cancellationToken)
    {
        if (cache.AccessKeyId is { } id && cache.SecretAccessKey is { } secret) return new AwsCredentials(id, secret, cache.SessionToken, null);
        if (Variable("AWS_ACCESS_KEY_ID") is { } fromEnvironment && Variable("AWS_SECRET_ACCESS_KEY") is { } key)
            return new AwsCredentials(fromEnvironment, new Secret(key), Variable("AWS_SESSION_TOKEN") is { } token ? new Secret(token) : null, null);
        return await WebIdentityAsync(cancellationToken) ?? FromFiles() ?? await ContainerAsync(cancellationToken) ?? await InstanceAsync(cancellationToken);
    }

    private async Task<AwsCredentials?> WebIdentityAsync(CancellationToken cancellationToken)
    {
        if (Variable("AWS_WEB_IDENTITY_TOKEN_FILE") is not { } file || Variable("AWS_ROLE_ARN") is not { } role) return null;
        string token = (await ReadAsync(file, cancellationToken)).Trim();
        string form = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=" + Uri.EscapeDataString(role)
            + "&RoleSessionName=" + Uri.EscapeDataString(Variable("AWS_ROLE_SESSION_NAME") ?? "kimg") + "&WebIdentityToken=" + Uri.EscapeDataString(token);
        var endpoint = new Uri(Variable("AWS_ENDPOINT_URL_STS") ?? $"https://sts.{cache.Region}.amazonaws.com/");
        var request = new CacheRequest(HttpMethod.Post, endpoint, "the role of the web identity") { Body = RequestBody.Of("application/x-www-form-urlencoded", Encoding.UTF8.GetBytes(form)) };
        string answer = Encoding.UTF8.GetString((await http.ReadAsync(request, MaxAnswer, cancellationToken)).Body);
        string id = CacheHttp.Between(answer, "<AccessKeyId>", "</AccessKeyId>"), secret = CacheHttp.Between(answer, "<SecretAccessKey>", "</SecretAccessKey>");
        if (id.Length == 0 || secret.Length == 0) throw new KimgException(ErrorCode.AuthenticationFailed, "AssumeRoleWithWebIdentity gave no credentials");
        return new AwsCredentials(
            id, new Secret(secret), new Secret(CacheHttp.Between(answer, "<SessionToken>", "</SessionToken>")), Time(CacheHttp.Between(answer, "<Expiration>", "</Expiration>")));
    }

    private AwsCredentials? FromFiles()
    {
        string home = Variable("HOME") is { } directory ? Path.Combine(directory, ".aws") : "/nonexistent";
        string profile = Variable("AWS_PROFILE") ?? "default";
        (string Path, string Section)[] places =
        [
            (Variable("AWS_SHARED_CREDENTIALS_FILE") ?? Path.Combine(home, "credentials"), profile),
            (Variable("AWS_CONFIG_FILE") ?? Path.Combine(home, "config"), profile == "default" ? profile : "profile " + profile),
        ];
        foreach ((string path, string section) in places)
        {
            Dictionary<string, string> values = Section(path, section);
            if (values.GetValueOrDefault("aws_access_key_id") is { } id && values.GetValueOrDefault("aws_secret_access_key") is { } secret)
                return new AwsCredentials(id, new Secret(secret), values.GetValueOrDefault("aws_session_token") is { } token ? new Secret(token) : null, null);
        }

        return null;
    }

    private async Task<AwsCredentials?> ContainerAsync(CancellationToken cancellationToken)
    {
        string? address = Variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") is { } relative ? "http://169.254.170.2" + relative : Variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        if (address is null) return null;
        string? token = Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") is { } file ? (await ReadAsync(file, cancellationToken)).Trim() : Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
        var request = new CacheRequest(HttpMethod.Get, new Uri(address), "the credentials of the container")
        {
            Headers = token is null ? new Dictionary<string, string>() : new Dictionary<string, string> { ["Authorization"] = token },
        };
        return Parse((await http.ReadAsync(request, MaxAnswer, cancellationToken)).Body);
    }

    // Version 2 only: version 1 can be reached through anything that fetches addresses for others.
    private async Task<AwsCredentials?> InstanceAsync(CancellationToken cancellationToken)
    {
        if (Variable("AWS_EC2_METADATA_DISABLED") is "true") return null;
        string host = (Variable("AWS_EC2_METADATA_SERVICE_ENDPOINT") ?? "http://169.254.169.254").TrimEnd('/');
        string token;
        try
        {
            var ask = new CacheRequest(HttpMethod.Put, new Uri(host + "/latest/api/token"), "the instance's metadata")
            {
                Headers = new Dictionary<string, string> { ["X-aws-ec2-metadata-token-ttl-seconds"] = "21600" }, Attempts = 1, Patience = s_metadataPatience,
            };
            token = Encoding.UTF8.GetString((await http.ReadAsync(ask, MaxAnswer, cancellationToken)).Body);
        }
        catch (KimgException e) when (e.Code is ErrorCode.RegistryUnreachable or ErrorCode.RegistryRefused or ErrorCode.AccessDenied)
        {
            return null; // not on such an instance
        }

        const string Roles = "/latest/meta-data/iam/security-credentials/";
        string role = Encoding.UTF8.GetString(await MetadataAsync(Roles)).Split('\n')[0].Trim();
        return role.Length == 0 ? null : Parse(await MetadataAsync(Roles + role));

        async Task<byte[]> MetadataAsync(string path) => (await http.ReadAsync(
            new CacheRequest(HttpMethod.Get, new Uri(host + path), "the instance's metadata")
            {
                Headers = new Dictionary<string, string> { ["X-aws-ec2-metadata-token"] = token },
            },
            MaxAnswer,
            cancellationToken)).Body;
    }

    private static AwsCredentials Parse(byte[] json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            string? Text(string name) => document.RootElement.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
            if (Text("AccessKeyId") is { } id && Text("SecretAccessKey") is { } secret)
                return new AwsCredentials(id, new Secret(secret), Text("Token") is { } token ? new Secret(token) : null, Time(Text("Expiration") ?? ""));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new KimgException(ErrorCode.AuthenticationFailed, "the metadata service's credentials are no JSON", e);
        }

        throw new KimgException(ErrorCode.AuthenticationFailed, "the metadata service gave no credentials");
    }

    private static Dictionary<string, string> Section(string path, string name)
    {
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (!File.Exists(path)) return values;
        bool inside = false;
        foreach (string line in File.ReadLines(path).Select(l => l.Trim()))
        {
            if (line.StartsWith('[')) inside = line.Trim('[', ']').Trim() == name;
            else if (inside && line.IndexOf('=') is var equals and > 0 && line[0] is not ('#' or ';')) values[line[..equals].Trim()] = line[(equals + 1)..].Trim();
        }

        return values;
    }

    private static async Task<string> ReadAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllTextAsync(path, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new KimgException(ErrorCode.AuthenticationFailed, $"cannot read the token '{path}': {e.Message}", e);
        }
    }

    private static DateTimeOffset? Time(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time) ? time : null;

    private string? Variable(string name) => environment(name) is { Length: > 0 } value ? value : null;
}
