using System.Text.RegularExpressions;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry.Credentials;

/// <summary>Azure Container Registry: a token of Entra ID (workload identity, client secret, or this machine's managed identity), exchanged at the
/// registry for a refresh token of its own.</summary>
internal sealed partial class AzureCredentials(CredentialOptions options, CloudHttp http) : ICredentialSource
{
    private const string Exchange = "Azure (registry token exchange)";

    public string Name => "Azure Container Registry";

    public async Task<Credential?> FindAsync(string registryHost, CancellationToken cancellationToken)
    {
        Match match = RegistryHost().Match(registryHost);
        if (!match.Success) return null;
        (string resource, string authority) = match.Groups[1].Value switch
        {
            "cn" => ("https://management.chinacloudapi.cn/", "https://login.chinacloudapi.cn/"),
            "us" => ("https://management.usgovcloudapi.net/", "https://login.microsoftonline.us/"),
            _ => ("https://management.azure.com/", "https://login.microsoftonline.com/"),
        };
        if (await new AzureTokens(options, http).FindAsync(resource, authority, cancellationToken) is not var (token, source)) return null;

        var form = new Dictionary<string, string> { ["grant_type"] = "access_token", ["service"] = registryHost, ["access_token"] = token };
        if (options.Variable("AZURE_TENANT_ID") is { } tenant) form["tenant"] = tenant;
        using var request = new HttpRequestMessage(HttpMethod.Post, $"https://{registryHost}/oauth2/exchange") { Content = new FormUrlEncodedContent(form) };
        string refresh = CloudHttp.Member(await http.CallAsync(request, Exchange, cancellationToken), Exchange, "refresh_token");
        // The name is what the registry expects beside a refresh token used as a password.
        return new Credential("00000000-0000-0000-0000-000000000000", new Secret(refresh), new Secret(refresh)) { Source = $"{Name} ({source})" };
    }

    [GeneratedRegex(@"^[a-zA-Z0-9-]+\.azurecr\.(io|cn|us)\z", RegexOptions.CultureInvariant)]
    private static partial Regex RegistryHost();
}
