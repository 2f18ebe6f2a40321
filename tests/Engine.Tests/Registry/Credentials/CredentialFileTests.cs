using System.Collections.Frozen;
using System.Runtime.Versioning;
using System.Text;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Registry.Credentials;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Registry.Credentials;

[SupportedOSPlatform("linux")]
public sealed class CredentialFileTests : IDisposable
{
    private readonly TempDirectory _home = new();
    private readonly Dictionary<string, string> _environment = new() { ["PATH"] = "/usr/bin:/bin" };

    public void Dispose() => _home.Dispose();

    [Theory]
    [InlineData("""{"auths":{"r.example.com":{"auth":"YW5uYTpwYXNz"}}}""", "r.example.com", null)]
    [InlineData("""{"auths":{"https://r.example.com":{"auth":"YW5uYTpwYXNz"}}}""", "r.example.com", null)]
    [InlineData("""{"auths":{"https://r.example.com/v2/":{"auth":"YW5uYTpwYXNz"}}}""", "r.example.com", null)]
    [InlineData("""{"auths":{"r.example.com":{"username":"anna","password":"pass"}}}""", "r.example.com", null)]
    [InlineData("""{"auths":{"R.example.com":{"auth":"YW5uYTpwYXNz"}}}""", "r.example.com", null)]
    [InlineData("""{"auths":{"https://index.docker.io/v1/":{"auth":"YW5uYTpwYXNz"}}}""", "docker.io", null)]
    [InlineData("""{"auths":{"docker.io":{"auth":"YW5uYTpwYXNz"}}}""", "docker.io", null)]
    [InlineData("""{"auths":{"localhost:5000":{"auth":"YW5uYTpwYXNz"}}}""", "localhost:5000", null)]
    [InlineData("""{"auths":{"q.io":{"auth":"eDp5"},"q.io/team":{"auth":"YW5uYTpwYXNz"},"q.io/team/app2":{"auth":"eDp5"}}}""", "q.io", "team/app")]
    [InlineData("""{"auths":{"q.io/team/app":{"auth":"YW5uYTpwYXNz"},"q.io/team":{"auth":"eDp5"}}}""", "q.io", "team/app")]
    [InlineData("""{"auths":{"q.io":{"auth":"YW5uYTpwYXNz"},"q.io/team":{"auth":"eDp5"}}}""", "q.io", null)]
    [InlineData("""{"auths":{"r.example.com":{},"https://r.example.com":{"auth":"YW5uYTpwYXNz"}}}""", "r.example.com", null)]
    [InlineData("""{"https://r.example.com":{"auth":"YW5uYTpwYXNz","email":"a@example.com"}}""", "r.example.com", null)]
    public async Task A_registry_is_found_under_the_keys_that_docker_and_podman_use(string json, string host, string? repository)
    {
        Write(".docker/config.json", json);
        Credential? found = await Chain().FindAsync(host, repository, CancellationToken.None);
        Assert.Equal(("anna", "pass"), (found?.Username, found?.Password.Reveal()));
        Assert.Equal(_home[".docker/config.json"], found!.Source);
    }

    [Theory]
    [InlineData("""{"auths":{"r.example.com":{"auth":"YW5uYTpwYXNz"}}}""", "example.com")]
    [InlineData("""{"auths":{"r.example.com":{"auth":"YW5uYTpwYXNz"}}}""", "r.example.com:5000")]
    [InlineData("""{"auths":{"r.example.com":{"auth":"YW5uYTpwYXNz"}}}""", "r.example.com.evil.org")]
    [InlineData("""{"auths":{"r.example.com/team":{"auth":"YW5uYTpwYXNz"}}}""", "r.example.com")]
    [InlineData("""{"auths":{"r.example.com":{}}}""", "r.example.com")]
    [InlineData("""{"auths":null,"HttpHeaders":{"X":"y"}}""", "r.example.com")]
    [InlineData("{}", "docker.io")]
    [InlineData(" ", "docker.io")]
    public async Task What_is_not_for_this_registry_is_not_used(string json, string host)
    {
        Write(".docker/config.json", json);
        Assert.Null(await Chain().FindAsync(host, CancellationToken.None));
    }

    [Theory]
    [InlineData(".docker/config.json", null, null)]
    [InlineData(".docker/.dockerconfigjson", null, null)]
    [InlineData("elsewhere/config.json", "DOCKER_CONFIG", "elsewhere")]
    [InlineData("secret/.dockerconfigjson", "DOCKER_CONFIG", "secret")]
    [InlineData("secret/.dockerconfigjson", "KIMG_REGISTRY_CONFIG", "secret")]
    [InlineData("auth.json", "REGISTRY_AUTH_FILE", "auth.json")]
    [InlineData("run/containers/auth.json", "XDG_RUNTIME_DIR", "run")]
    [InlineData(".config/containers/auth.json", null, null)]
    [InlineData("cfg/containers/auth.json", "XDG_CONFIG_HOME", "cfg")]
    public async Task Every_usual_place_is_read(string file, string? variable, string? value)
    {
        Write(file, """{"auths":{"r.example.com":{"auth":"YW5uYTpwYXNz","identitytoken":"refresh"}}}""");
        if (variable is not null) _environment[variable] = _home[value!];
        Credential? found = await Chain().FindAsync("r.example.com", CancellationToken.None);
        Assert.Equal("refresh", found?.IdentityToken?.Reveal());
        Assert.Equal(_home[file], found!.Source);
    }

    /// <summary>Where pods of Kaniko and Kimia mount it.</summary>
    [Fact]
    public async Task Other_builders_places_are_read_after_the_users_own()
    {
        CredentialOptions options = Options();
        Assert.Equal(["/kaniko/.docker", "/home/kimia/.docker"], options.OtherBuilders.AsEnumerable());
        options = options with { OtherBuilders = [_home["none"], _home["kaniko"], _home["kimia"]] };
        async Task<string?> User() => (await CredentialChain.Create(options).FindAsync("r.example.com", CancellationToken.None))?.Username;
        Assert.Null(await User());
        Write("kimia/.dockerconfigjson", """{"auths":{"r.example.com":{"auth":"a2ltaWE6eA=="}}}""");
        Assert.Equal("kimia", await User());
        Write("kaniko/config.json", """{"auths":{"r.example.com":{"auth":"a2FuaWtvOng="}}}""");
        Assert.Equal("kaniko", await User());
        Write(".docker/config.json", """{"auths":{"r.example.com":{"auth":"YW5uYTpwYXNz"}}}""");
        Assert.Equal("anna", await User());
    }

    [Fact]
    public async Task The_first_place_that_has_one_wins()
    {
        Write(".docker/config.json", """{"auths":{"r.example.com":{"auth":"ZmlsZTp4"}}}""");
        Assert.Equal("file", (await Chain().FindAsync("r.example.com", CancellationToken.None))!.Username);
        _environment["DOCKER_AUTH_CONFIG"] = """{"auths":{"r.example.com":{"auth":"Z2l0bGFiOng="}}}""";
        Assert.Equal("gitlab", (await Chain().FindAsync("r.example.com", CancellationToken.None))!.Username);
        (_environment["DOCKER_USERNAME"], _environment["DOCKER_PASSWORD"], _environment["DOCKER_REGISTRY"]) = ("kimia", "x", "https://r.example.com/v1/");
        Assert.Equal("kimia", (await Chain().FindAsync("r.example.com", CancellationToken.None))!.Username);
        (_environment["KIMG_REGISTRY_USER"], _environment["KIMG_REGISTRY_PASSWORD"], _environment["KIMG_REGISTRY"]) = ("variable", "x", "r.example.com");
        Assert.Equal("variable", (await Chain().FindAsync("r.example.com", CancellationToken.None))!.Username);
        CredentialOptions options = Options() with { Explicit = [new("r.example.com", new Credential("flag", new Secret("x")))] };
        Assert.Equal("flag", (await CredentialChain.Create(options).FindAsync("r.example.com", CancellationToken.None))!.Username);
        Assert.Null(await Chain().FindAsync("other.example.com", CancellationToken.None));
    }

    [Fact]
    public void A_user_without_password_in_the_environment_is_an_error()
    {
        _environment["DOCKER_USERNAME"] = "anna";
        var e = Assert.Throws<KimgException>(Chain);
        Assert.Equal("DOCKER_USERNAME is set, but DOCKER_PASSWORD is not", e.Message);
    }

    [Theory]
    [InlineData("{\n \"auths\": {\n  hunter2", "not JSON, line 3")]
    [InlineData("""["hunter2"]""", "the document is not an object")]
    [InlineData("""{"auths":["hunter2"]}""", "auths is not an object")]
    [InlineData("""{"auths":{"r.example.com":"hunter2"}}""", "auths.r.example.com is not an object")]
    [InlineData("""{"auths":{"r.example.com":{"auth":"hunter2!"}}}""", "auths.r.example.com.auth is not base64")]
    [InlineData("""{"auths":{"r.example.com":{"auth":"aHVudGVyMg=="}}}""", "auths.r.example.com.auth has no colon")]
    [InlineData("""{"auths":{"r.example.com":{"password":["hunter2"]}}}""", "auths.r.example.com.password is not a string")]
    [InlineData("""{"credsStore":5}""", "credsStore is not a string")]
    public async Task A_malformed_file_is_named_with_the_place_and_without_its_secrets(string json, string place)
    {
        Write(".docker/config.json", json);
        var e = await Assert.ThrowsAsync<KimgException>(() => Chain().FindAsync("r.example.com", CancellationToken.None));
        Assert.Equal(ErrorCode.InvalidConfigurationFile, e.Code);
        Assert.StartsWith($"the credentials in '{_home[".docker/config.json"]}' are malformed: {place}", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", e.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_registrys_own_helper_goes_before_the_default_one_and_both_before_the_file()
    {
        Helper("own", """[ "$1" = get ] && read server; echo "{\"ServerURL\":\"$server\",\"Username\":\"own-$server\",\"Secret\":\"s\"}" """);
        Helper("default", """
            read server
            case $server in *index.docker.io*) echo '{"Username":"<token>","Secret":"refresh"}'; exit;; esac
            echo "credentials not found in native keychain"; exit 1
            """);
        Write(".docker/config.json", """
            {"credsStore":"default","credHelpers":{"own.example.com":"own"},
             "auths":{"third.example.com":{"auth":"YW5uYTpwYXNz"},"own.example.com":{"auth":"YW5uYTpwYXNz"}}}
            """);
        Credential own = (await Chain().FindAsync("own.example.com", CancellationToken.None))!;
        Assert.Equal(("own-own.example.com", "s", "credential helper own"), (own.Username, own.Password.Reveal(), own.Source));
        Assert.Equal("refresh", (await Chain().FindAsync("docker.io", CancellationToken.None))!.IdentityToken!.Reveal());
        Assert.Equal("anna", (await Chain().FindAsync("third.example.com", CancellationToken.None))!.Username);
        Assert.Null(await Chain().FindAsync("fourth.example.com", CancellationToken.None));
    }

    [Theory]
    [InlineData("missing", null, "the program docker-credential-missing is not on the PATH")]
    [InlineData("../evil", null, "this is not the name of a helper")]
    [InlineData("broken", "echo locked; exit 3", "exit code 3: locked")]
    [InlineData("babble", "echo hello", "its answer is not JSON")]
    public async Task A_helper_that_fails_is_named(string name, string? script, string why)
    {
        if (script is not null) Helper(name, script);
        Write(".docker/config.json", $$"""{"credsStore":"{{name}}"}""");
        var e = await Assert.ThrowsAsync<KimgException>(() => Chain().FindAsync("r.example.com", CancellationToken.None));
        Assert.Equal(ErrorCode.CredentialHelperFailed, e.Code);
        Assert.Contains(why, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Login_keeps_the_rest_of_the_file_and_logout_takes_only_its_own()
    {
        Write(".docker/config.json", """{"HttpHeaders":{"X":"y"},"auths":{"other.example.com":{"auth":"eDp5"}},"detachKeys":"ctrl-e"}""");
        var login = new LoginStore(Options());
        Assert.Null(await login.SaveAsync("docker.io", new Credential("anna", new Secret("pa:ss")), CancellationToken.None));
        Assert.Equal("pa:ss", (await Chain().FindAsync("docker.io", CancellationToken.None))!.Password.Reveal());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(login.Path));
        string text = File.ReadAllText(login.Path);
        Assert.Contains("https://index.docker.io/v1/", text, StringComparison.Ordinal);
        Assert.True(await login.RemoveAsync("docker.io", CancellationToken.None));
        Assert.False(await login.RemoveAsync("docker.io", CancellationToken.None));
        Assert.Null(await Chain().FindAsync("docker.io", CancellationToken.None));
        Assert.Equal("x", (await Chain().FindAsync("other.example.com", CancellationToken.None))!.Username);
        text = File.ReadAllText(login.Path);
        Assert.Contains("ctrl-e", text, StringComparison.Ordinal);
        Assert.Contains("HttpHeaders", text, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(_home[".docker"]));
    }

    [Fact]
    public async Task Login_gives_the_secret_to_the_helper_and_not_to_the_file()
    {
        Helper("test", $"case $1 in store) cat >{_home["stored"]};; get) cat >/dev/null; cat {_home["stored"]};; erase) rm {_home["stored"]};; esac");
        Write(".docker/config.json", """{"credsStore":"test"}""");
        var login = new LoginStore(Options());
        Assert.Equal("test", await login.SaveAsync("r.example.com", new Credential("anna", new Secret("hunter2")), CancellationToken.None));
        Assert.DoesNotContain("hunter2", File.ReadAllText(login.Path), StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String(Encoding.UTF8.GetBytes("anna:hunter2")), File.ReadAllText(login.Path), StringComparison.Ordinal);
        Assert.Equal("hunter2", (await Chain().FindAsync("r.example.com", CancellationToken.None))!.Password.Reveal());
        Assert.True(await login.RemoveAsync("r.example.com", CancellationToken.None));
        Assert.False(File.Exists(_home["stored"]));
    }

    [Fact]
    public async Task Skopeo_logs_in_with_what_we_wrote_and_we_with_what_it_wrote()
    {
        await using TestRegistry registry = TestRegistry.Start(options => options with
        {
            Users = new Dictionary<string, string> { ["anna"] = "päss word" }.ToFrozenDictionary(),
        });
        var login = new LoginStore(Options());
        await login.SaveAsync(registry.Host, new Credential("anna", new Secret("päss word")), CancellationToken.None);
        Assert.Contains("anna", await HostProgram.MustAsync("skopeo", "login", "--tls-verify=false", "--authfile", login.Path, "--get-login", registry.Host),
            StringComparison.Ordinal);
        await HostProgram.MustAsync("skopeo", "login", "--tls-verify=false", "--authfile", _home["theirs.json"], "-u", "anna", "-p", "päss word", registry.Host);
        await login.RemoveAsync(registry.Host, CancellationToken.None);
        _environment["REGISTRY_AUTH_FILE"] = _home["theirs.json"];
        Assert.Equal("päss word", (await Chain().FindAsync(registry.Host, CancellationToken.None))!.Password.Reveal());
    }

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_home[path])!);
        File.WriteAllText(_home[path], text);
    }

    private void Helper(string name, string script)
    {
        Write("bin/docker-credential-" + name, "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode(_home["bin/docker-credential-" + name], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        _environment["PATH"] = _home["bin"] + ":/usr/bin:/bin";
    }

    private CredentialOptions Options() => new() { Environment = _environment.ToFrozenDictionary(), HomeDirectory = _home.Path, CloudMetadata = false };

    private CredentialChain Chain() => CredentialChain.Create(Options());
}
