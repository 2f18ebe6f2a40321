using System.Text;
using Kimg.TestKit;

namespace Kimg.Engine.Tests.Build;

/// <summary>git's own <c>git http-backend</c> (smart HTTP, CGI) behind an HTTP server on loopback, for those who bring the right token.</summary>
/// <param name="root">The directory whose repositories are served.</param>
/// <param name="token">The password of <c>x-access-token</c>; null: everybody may read.</param>
internal sealed class GitHttpServer(string root, string? token) : IDisposable
{
    private readonly ScriptedServer _server = new(request => Answer(request, root, token));

    public string Url => $"http://{_server.Host}/repo.git";

    public IReadOnlyList<ScriptedRequest> Requests => _server.Requests;

    public void Dispose() => _server.Dispose();

    private static ScriptedAnswer Answer(ScriptedRequest request, string root, string? token)
    {
        string basic = "basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("x-access-token:" + token));
        if (token is not null && request.Authorization != basic) return new ScriptedAnswer(401, "", ("WWW-Authenticate", "Basic realm=\"git\""));
        return GitHttpBackend.Answer(request, root, request.Path);
    }
}
