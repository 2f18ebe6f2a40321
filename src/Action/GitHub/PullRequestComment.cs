using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Kimg.Engine.Primitives;

namespace Kimg.Ci.GitHub;

/// <summary>One comment on a pull request, written anew by each run.</summary>
/// <param name="api">GITHUB_API_URL.</param>
/// <param name="repository">OWNER/NAME.</param>
internal sealed class PullRequestComment(Uri api, string repository, Secret token)
{
    private const int MaxComments = 1000;

    /// <param name="marker">Tells this comment from others; it is not shown.</param>
    /// <exception cref="KimgException">AccessDenied with the permission that is missing; RegistryRefused for other answers.</exception>
    public async Task WriteAsync(string pullRequest, string marker, string markdown, CancellationToken cancellationToken)
    {
        using var client = new HttpClient();
        client.DefaultRequestHeaders.UserAgent.ParseAdd("kimg");
        client.DefaultRequestHeaders.Accept.ParseAdd("application/vnd.github+json");
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token.Reveal());
        string hidden = $"<!-- kimg: {marker} -->", comments = $"{api.AbsoluteUri.TrimEnd('/')}/repos/{repository}/issues/{pullRequest}/comments";
        long? known = await FindAsync(client, comments, hidden, cancellationToken);
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("body", $"{hidden}\n{markdown}");
            json.WriteEndObject();
        }

        string address = known is { } id ? $"{api.AbsoluteUri.TrimEnd('/')}/repos/{repository}/issues/comments/{id}" : comments;
        using var request = new HttpRequestMessage(known is null ? HttpMethod.Post : HttpMethod.Patch, address);
        request.Content = new StringContent(Encoding.UTF8.GetString(body.ToArray()), Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await SendAsync(client, request, cancellationToken);
    }

    private static async Task<long?> FindAsync(HttpClient client, string comments, string hidden, CancellationToken cancellationToken)
    {
        for (int page = 1; page <= MaxComments / 100; page++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{comments}?per_page=100&page={page}");
            using HttpResponseMessage answer = await SendAsync(client, request, cancellationToken);
            using JsonDocument list = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancellationToken), cancellationToken: cancellationToken);
            int count = 0;
            foreach (JsonElement comment in list.RootElement.EnumerateArray())
            {
                count++;
                if (comment.GetProperty("body").GetString() is { } text && text.StartsWith(hidden, StringComparison.Ordinal)) return comment.GetProperty("id").GetInt64();
            }

            if (count < 100) return null;
        }

        return null;
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            HttpResponseMessage answer = await client.SendAsync(request, cancellationToken);
            if (answer.IsSuccessStatusCode) return answer;
            using (answer)
            {
                throw answer.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized or HttpStatusCode.NotFound
                    ? new KimgException(ErrorCode.AccessDenied, $"the comment on the pull request is refused ({(int)answer.StatusCode})")
                    {
                        Hint = "add to the job:\npermissions:\n  contents: read\n  pull-requests: write",
                    }
                    : new KimgException(ErrorCode.RegistryRefused, $"the comment on the pull request is refused ({(int)answer.StatusCode})");
            }
        }
        catch (HttpRequestException e)
        {
            throw new KimgException(ErrorCode.RegistryUnreachable, $"'{request.RequestUri?.Host}' cannot be reached: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }
}
