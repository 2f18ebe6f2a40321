using System.Text;
using System.Text.RegularExpressions;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry.Credentials;

/// <summary>Amazon ECR's private registries: GetAuthorizationToken, signed with the credentials of this job or machine.</summary>
internal sealed partial class EcrCredentials(CredentialOptions options, CloudHttp http) : ICredentialSource
{
    private const string What = "AWS (GetAuthorizationToken)";

    public string Name => "Amazon ECR";

    public async Task<Credential?> FindAsync(string registryHost, CancellationToken cancellationToken)
    {
        if (Api(registryHost) is not var (region, api) || await new AwsCredentials(options, http).FindAsync(region, cancellationToken) is not { } identity) return null;
        using var request = new HttpRequestMessage(HttpMethod.Post, $"https://{api}/") { Content = new ByteArrayContent("{}"u8.ToArray()) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/x-amz-json-1.1");
        request.Headers.TryAddWithoutValidation("X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken");
        AwsSigner.Sign(request, "{}"u8.ToArray(), identity, region, "ecr", options.Time.GetUtcNow());
        string answer = await http.CallAsync(request, What, cancellationToken);
        string token = CloudHttp.Member(answer, What, "authorizationData", "authorizationToken");
        var bytes = new byte[token.Length];
        if (!Convert.TryFromBase64String(token, bytes, out int length) || Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2) is not [var user, var password])
            throw new KimgException(ErrorCode.AuthenticationFailed, $"{What} gave a token that is not base64 of name and password");
        return new Credential(user, new Secret(password)) { Source = $"{Name} ({identity.Source})" };
    }

    /// <summary>Region and API host of a registry; null when it is none of ECR's.</summary>
    internal static (string Region, string Api)? Api(string host)
    {
        Match match = RegistryHost().Match(host);
        if (!match.Success) return null;
        string region = match.Groups["region"].Value, domain = match.Groups["domain"].Value, fips = match.Groups["fips"].Value;
        return (region, domain == "on.aws" ? $"ecr{fips}.{region}.api.aws" : $"{(fips.Length > 0 ? "ecr-fips" : "api.ecr")}.{region}.{domain}");
    }

    [GeneratedRegex(@"^\d{12}\.dkr[.-]ecr(?<fips>-fips)?\.(?<region>[a-z]{2,4}(-[a-z]+)+-\d)\.(?<domain>amazonaws\.com(\.cn)?|on\.aws)\z", RegexOptions.CultureInvariant)]
    private static partial Regex RegistryHost();
}
