using System.Text.RegularExpressions;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry.Credentials;

/// <summary>Azure Container Registry: a token of Entra ID (workload identity, client secret, or this machine's managed identity), exchanged at the
/// registry for a refresh token of its own.</summary>
internal sealed partial class AzureCredentials(CredentialOptions options, CloudHttp http) : ICredentialSource
{
    private const string EntraId = "Azure (Entra ID token)", Exchange = "Azure (registry token exchange)";

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
        string? token = await ApplicationAsync(resource, authority, cancellationToken);
        string source = token is null ? "managed identity" : "AZURE_CLIENT_ID";
        if (token is null && options.CloudMetadata) token = await MachineAsync(resource, cancellationToken);
        if (token is null) return null;

        var form = new Dictionary<string, string> { ["grant_type"] = "access_token", ["service"] = registryHost, ["access_token"] = token };
        if (options.Variable("AZURE_TENANT_ID") is { } tenant) form["tenant"] = tenant;
        using var request = new HttpRequestMessage(HttpMethod.Post, $"https://{registryHost}/oauth2/exchange") { Content = new FormUrlEncodedContent(form) };
        string refresh = CloudHttp.Member(await http.CallAsync(request, Exchange, cancellationToken), Exchange, "refresh_token");
        // The name is what the registry expects beside a refresh token used as a password.
        return new Credential("00000000-0000-0000-0000-000000000000", new Secret(refresh), new Secret(refresh)) { Source = $"{Name} ({source})" };
    }

    private async Task<string?> ApplicationAsync(string resource, string authority, CancellationToken cancellationToken)
    {
        if (options.Variable("AZURE_CLIENT_ID") is not { } client || options.Variable("AZURE_TENANT_ID") is not { } tenant) return null;
        var form = new Dictionary<string, string> { ["grant_type"] = "client_credentials", ["client_id"] = client, ["scope"] = resource + ".default" };
        if (options.Variable("AZURE_FEDERATED_TOKEN_FILE") is { } file)
        {
            form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            form["client_assertion"] = await CloudHttp.ReadFileAsync(file, "AZURE_FEDERATED_TOKEN_FILE", cancellationToken);
        }
        else if (options.Variable("AZURE_CLIENT_SECRET") is { } secret)
        {
            form["client_secret"] = secret;
        }
        else
        {
            return null; // AZURE_CLIENT_ID alone chooses among the machine's identities
        }

        string host = (options.Variable("AZURE_AUTHORITY_HOST") ?? authority).TrimEnd('/');
        if (!host.StartsWith("https://", StringComparison.Ordinal)) throw new KimgException(ErrorCode.InvalidArgument, "AZURE_AUTHORITY_HOST is not https");
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{host}/{Uri.EscapeDataString(tenant)}/oauth2/v2.0/token")
        {
            Content = new FormUrlEncodedContent(form),
        };
        return CloudHttp.Member(await http.CallAsync(request, EntraId, cancellationToken), EntraId, "access_token");
    }

    private async Task<string?> MachineAsync(string resource, CancellationToken cancellationToken)
    {
        string client = options.Variable("AZURE_CLIENT_ID") is { } id ? "&client_id=" + Uri.EscapeDataString(id) : "";
        using var request = new HttpRequestMessage(HttpMethod.Get,
            $"http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource={Uri.EscapeDataString(resource)}{client}");
        request.Headers.TryAddWithoutValidation("Metadata", "true");
        return await http.AskMachineAsync(request, cancellationToken) is { } answer ? CloudHttp.TryMember(answer, "access_token") : null;
    }

    [GeneratedRegex(@"^[a-zA-Z0-9-]+\.azurecr\.(io|cn|us)\z", RegexOptions.CultureInvariant)]
    private static partial Regex RegistryHost();
}
