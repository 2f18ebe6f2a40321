using System.Text;
using Kimg.TestKit;

namespace Kimg.Fleets;

/// <summary>A repository <c>team/app.git</c> on a server of this machine, by git's own http-backend.</summary>
internal sealed class GitServer : IDisposable
{
    public const string Token = "git-token";

    private readonly TempDirectory _directory = new();
    private readonly ScriptedServer _server;
    private bool _token;

    public GitServer() => _server = new ScriptedServer(request =>
        _token && request.Authorization?.Split(' ')[^1] != Convert.ToBase64String(Encoding.ASCII.GetBytes("x-access-token:" + Token))
            ? new ScriptedAnswer(401, "", ("WWW-Authenticate", "Basic realm=\"git\""))
            : GitHttpBackend.Answer(request, _directory["served"], request.Path));

    public string Host => _server.Host;

    public void Dispose()
    {
        _server.Dispose();
        _directory.Dispose();
    }

    /// <param name="token">Only who has <see cref="Token"/> gets it.</param>
    public async Task CommitAsync(string dockerfile, bool token)
    {
        _token = token;
        string work = Directory.CreateDirectory(_directory["work"]).FullName;
        await File.WriteAllTextAsync(Path.Combine(work, "Dockerfile"), dockerfile);
        await File.WriteAllTextAsync(Path.Combine(work, "hello.txt"), "hello\n");
        File.Copy("/bin/busybox", Path.Combine(work, "busybox"));
        foreach (string command in new[] { "init -q -b main", "add -A", "-c user.name=a -c user.email=a@b commit -q -m one", $"clone -q --bare . {_directory["served/team/app.git"]}" })
            (await HostProgram.RunAsync("git", command.Split(' '), directory: work)).OutputOrThrow();
    }
}
