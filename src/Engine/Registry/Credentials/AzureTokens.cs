using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry.Credentials;

/// <summary>Tokens of Entra ID for a resource: of an application (workload identity, client secret), else of this machine's managed identity.</summary>
internal sealed class AzureTokens(CredentialOptions options, CloudHttp http)
{
    private const string EntraId = "Azure (Entra ID token)";

    /// <param name="resource">Ends with a slash.</param>
    /// <param name="authority">Where applications log in, unless AZURE_AUTHORITY_HOST says so.</param>
    public async Task<(string Token, string Source)?> FindAsync(string resource, string authority, CancellationToken cancellationToken)
    {
        if (await ApplicationAsync(resource, authority, cancellationToken) is { } application) return (application, "AZURE_CLIENT_ID");
        return options.CloudMetadata && await MachineAsync(resource, cancellationToken) is { } machine ? (machine, "managed identity") : null;
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
}
