using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry.Credentials;

internal sealed record AwsIdentity(string AccessKey, Secret SecretKey, Secret? SessionToken, string Source);

/// <summary>AWS credentials in the order of Amazon's own SDKs, without profiles: variables, web identity (EKS service accounts, GitHub), container (ECS, EKS Pod
/// Identity), instance metadata (version 2 only).</summary>
internal sealed class AwsCredentials(CredentialOptions options, CloudHttp http)
{
    public async Task<AwsIdentity?> FindAsync(string region, CancellationToken cancellationToken)
    {
        if (options.Variable("AWS_ACCESS_KEY_ID") is { } key && options.Variable("AWS_SECRET_ACCESS_KEY") is { } secret)
        {
            Secret? session = options.Variable("AWS_SESSION_TOKEN") is { } token ? new Secret(token) : null;
            return new AwsIdentity(key, new Secret(secret), session, "AWS_ACCESS_KEY_ID");
        }

        if (options.Variable("AWS_WEB_IDENTITY_TOKEN_FILE") is { } file && options.Variable("AWS_ROLE_ARN") is { } role)
            return await AssumeAsync(role, file, region, cancellationToken);
        if (ContainerUri() is { } container) return await ContainerAsync(container, cancellationToken);
        return options.CloudMetadata && options.Variable("AWS_EC2_METADATA_DISABLED") != "true" ? await InstanceAsync(cancellationToken) : null;
    }

    /// <summary>The text of an XML element that holds no other; null when it is not there.</summary>
    internal static string? Tag(string xml, string name)
    {
        int start = xml.IndexOf($"<{name}>", StringComparison.Ordinal) + name.Length + 2;
        int end = start < name.Length + 2 ? -1 : xml.IndexOf($"</{name}>", start, StringComparison.Ordinal);
        return end < 0 ? null : System.Net.WebUtility.HtmlDecode(xml[start..end]);
    }

    private async Task<AwsIdentity> AssumeAsync(string role, string file, string region, CancellationToken cancellationToken)
    {
        const string what = "AWS (AssumeRoleWithWebIdentity)";
        string domain = region.StartsWith("cn-", StringComparison.Ordinal) ? "amazonaws.com.cn" : "amazonaws.com";
        using var request = new HttpRequestMessage(HttpMethod.Post, $"https://sts.{region}.{domain}/")
        {
            Content = new FormUrlEncodedContent(new Dictionary<string, string>
            {
                ["Action"] = "AssumeRoleWithWebIdentity",
                ["Version"] = "2011-06-15",
                ["RoleArn"] = role,
                ["RoleSessionName"] = options.Variable("AWS_ROLE_SESSION_NAME") ?? "kimg",
                ["WebIdentityToken"] = await CloudHttp.ReadFileAsync(file, "AWS_WEB_IDENTITY_TOKEN_FILE", cancellationToken),
            }),
        };
        string answer = await http.CallAsync(request, what, cancellationToken);
        return Tag(answer, "AccessKeyId") is { } key && Tag(answer, "SecretAccessKey") is { } secret && Tag(answer, "SessionToken") is { } token
            ? new AwsIdentity(key, new Secret(secret), new Secret(token), role)
            : throw new KimgException(ErrorCode.AuthenticationFailed, $"{what} gave an answer without credentials");
    }

    private Uri? ContainerUri()
    {
        if (options.Variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") is { } relative) return new Uri("http://169.254.170.2" + relative);
        if (options.Variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") is not { } full) return null;
        // Plain http only to where the platform listens: whoever sets this variable must not get the token sent elsewhere in the clear.
        bool known = Uri.TryCreate(full, UriKind.Absolute, out Uri? uri)
            && (uri.Scheme == "https" || (uri.Scheme == "http" && (uri.IsLoopback || uri.Host is "169.254.170.2" or "169.254.170.23" or "[fd00:ec2::23]")));
        return known ? uri : throw new KimgException(ErrorCode.InvalidArgument, "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of the platform");
    }

    private async Task<AwsIdentity?> ContainerAsync(Uri uri, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, uri);
        string? token = options.Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") is { } file
            ? await CloudHttp.ReadFileAsync(file, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", cancellationToken)
            : options.Variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
        if (token is not null) request.Headers.TryAddWithoutValidation("Authorization", token);
        return Parse(await http.AskMachineAsync(request, cancellationToken), "container role");
    }

    private async Task<AwsIdentity?> InstanceAsync(CancellationToken cancellationToken)
    {
        const string metadata = "http://169.254.169.254/latest/";
        using var begin = new HttpRequestMessage(HttpMethod.Put, metadata + "api/token");
        begin.Headers.TryAddWithoutValidation("X-aws-ec2-metadata-token-ttl-seconds", "300");
        if (await http.AskMachineAsync(begin, cancellationToken) is not { Length: > 0 } session) return null;
        const string roles = metadata + "meta-data/iam/security-credentials/";
        if (await AskAsync(roles) is not { Length: > 0 } names) return null;
        string role = names.Split('\n')[0].Trim();
        return Parse(await AskAsync(roles + Uri.EscapeDataString(role)), "instance role " + role);

        async Task<string?> AskAsync(string uri)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, uri);
            request.Headers.TryAddWithoutValidation("X-aws-ec2-metadata-token", session);
            return await http.AskMachineAsync(request, cancellationToken);
        }
    }

    private static AwsIdentity? Parse(string? json, string source) =>
        json is not null && CloudHttp.TryMember(json, "AccessKeyId") is { } key && CloudHttp.TryMember(json, "SecretAccessKey") is { } secret
            ? new AwsIdentity(key, new Secret(secret), CloudHttp.TryMember(json, "Token") is { } token ? new Secret(token) : null, source)
            : null;
}
