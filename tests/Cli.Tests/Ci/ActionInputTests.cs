using Kimg.Engine.Build;
using Xunit;

namespace Kimg.Cli.Tests.Ci;

/// <summary>Lists are read as docker/build-push-action reads them: records of CSV, of which some inputs take single fields and some whole records.</summary>
public sealed class ActionInputTests : IDisposable
{
    private readonly ActionScene _scene = new();

    public void Dispose() => _scene.Dispose();

    [Theory]
    [InlineData("labels", "\"a=1\"\nb=2,3\n#c=4", "#c=4 a=1 b=2,3")]
    [InlineData("labels", "\"a=say \"\"hi\"\"\"", "a=say \"hi\"")]
    [InlineData("labels", "a=\"quoted\" inside", "a=\"quoted\" inside")]
    [InlineData("labels", "\"a=one\ntwo\"\n\nb=2", "a=one\ntwo b=2")]
    [InlineData("labels", "\"a\"=b", "\"a\"=b")]
    [InlineData("labels", "a=1\r\nb=2", "a=1 b=2")]
    [InlineData("build-args", "\"A=1\"\nB=two, three\n#C=4", "#C=4 A=1 B=two, three")]
    [InlineData("build-args", "J={\"a\":\"b\",\"c\":\"d\"}", "J={\"a\":\"b\",\"c\":\"d\"}")]
    [InlineData("annotations", "\"index:a=1\"\nb=2,3", "index|a=1 manifest|b=2,3")]
    [InlineData("tags", "\"r.example/a:1\"\nr.example/a:2, r.example/a:3", "r.example/a:1 r.example/a:2 r.example/a:3")]
    [InlineData("tags", "\"r.example/a:1,r.example/a:2\"", "r.example/a:1 r.example/a:2")]
    [InlineData("platforms", "\"linux/amd64,linux/arm64\"", "linux/amd64 linux/arm64")]
    [InlineData("no-cache-filters", "a,\"b\"\nc", "a b c")]
    [InlineData("add-hosts", "\"h:10.0.0.1\",i:10.0.0.2", "h 10.0.0.1 i 10.0.0.2")]
    [InlineData("allow", "\"network.host\",security.insecure", "network.host security.insecure")]
    [InlineData("ulimit", "\"nofile=1:2\"\nnproc=3", "nofile=1:2 nproc=3:3")]
    [InlineData("build-contexts", "\"a=docker-image://b.example/c:1\"", "a=b.example/c:1")]
    [InlineData("cache-from", "\"type=registry,ref=r.example/c:1\"\ntype=registry,ref=r.example/c:2", "r.example/c:1 r.example/c:2")]
    [InlineData("cache-to", "type=registry,\"ref=r.example/c:1\",mode=max", "r.example/c:1")]
    [InlineData("outputs", "type=oci,\"dest=a,b.tar\"", "a,b.tar")]
    [InlineData("secrets", "TOKEN=s\n\"J={\"\"a\"\":\n\"\"b\"\"\n}\"\n#C=x", "TOKEN=s J={\"a\":\n\"b\"\n} #C=x")]
    [InlineData("secrets", "\"J={\n  \"\"k\"\": \"\"v\"\"\n  , \"\"e\"\": \"\"\"\"\n}\"\nNEXT=1", "J={\n  \"k\": \"v\"\n  , \"e\": \"\"\n} NEXT=1")]
    [InlineData("secrets", "J={\"a\":\"b\",\"c\":\"d\"}", "J={\"a\":\"b\",\"c\":\"d\"}")]
    [InlineData("secret-envs", "A=X,B=X", "A=$X B=$X")]
    [InlineData("secret-files", "\"A=app/Dockerfile\"\nB=with,comma", "A=Dockerfile B=with,comma")]
    [InlineData("ssh", "\"default=app/Dockerfile\",k=with", "default=Dockerfile k=with")]
    public async Task A_list_is_read_as_build_push_action_reads_it(string input, string text, string expected)
    {
        _scene.Host.Write("with,comma", "");
        _scene.Host.Write("with", "");
        await _scene.SucceedAsync((input, text));
        Assert.Equal(expected, string.Join(' ', Read(input, _scene.Request)));
    }

    [Theory]
    [InlineData("labels", "\"a=1", "the input 'labels' is malformed: a quote is not closed")]
    [InlineData("secrets", "A=ok\n\"B=hunter2", "the input 'secrets' is malformed: a quote is not closed")]
    [InlineData("secret-envs", "hunter2", "the input 'secret-envs' is malformed")]
    public async Task A_list_that_is_malformed_is_an_error_that_shows_no_secret(string input, string text, string message)
    {
        await _scene.FailAsync(message, (input, text));
        Assert.DoesNotContain("hunter2", _scene.Host.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sign", "keyless", "the input 'sign' is not supported")]
    [InlineData("verify-base", "true", "the input 'verify-base' is not supported")]
    [InlineData("sep-tags", ",", "the input 'sep-tags' is not supported")]
    [InlineData("bake-target", "x", "the input 'bake-target' is not supported")]
    [InlineData("lables", "a=b", "there is no input 'lables'")]
    [InlineData("lables", "a=b", "did you mean 'labels'?")]
    [InlineData("frobnicate", "1", "there is no input 'frobnicate'")]
    public async Task An_input_that_is_not_there_is_an_error(string input, string value, string message)
    {
        await _scene.FailAsync(message, (input, value));
        Assert.Contains("::error title=", _scene.Host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_input_without_a_value_is_as_if_it_were_not_there() => await _scene.SucceedAsync(("sign", ""), ("frobnicate", " "));

    [Theory]
    [InlineData("{{defaultContext}}", "refs/heads/main", "", "https://ghe.example/o/app.git#c0ffee0123456789")]
    [InlineData("{{ defaultContext }}:sub", "refs/heads/main", "", "https://ghe.example/o/app.git#c0ffee0123456789:sub")]
    [InlineData("{{defaultContext}}:sub", "refs/pull/7/merge", "", "https://ghe.example/o/app.git#refs/pull/7/merge:sub")]
    [InlineData("{{defaultContext}}", "refs/pull/7/merge", "true", "https://ghe.example/o/app.git#refs/pull/7/head")]
    public async Task The_default_context_is_the_repository_at_this_commit(string context, string reference, string head, string url)
    {
        (_scene.Host.Environment["GITHUB_SERVER_URL"], _scene.Host.Environment["GITHUB_REF"]) = ("https://ghe.example", reference);
        _scene.Host.Environment["DOCKER_DEFAULT_GIT_CONTEXT_PR_HEAD_REF"] = head;
        await _scene.SucceedAsync(("context", context), ("build-contexts", "more=" + context), ("github-token", "ght"));
        Assert.Equal(url, Assert.IsType<GitContext>(_scene.Request.Context).Url);
        Assert.Equal(url, Assert.IsType<GitContext>(_scene.Request.NamedContexts["more"]).Url);
        Assert.Equal(["GIT_AUTH_TOKEN.ghe.example"], _scene.Request.Secrets.Select(s => s.Id));
    }

    [Fact]
    public async Task A_further_context_from_the_repository_has_the_token_too_unless_one_is_given()
    {
        await _scene.SucceedAsync(("build-contexts", "more={{defaultContext}}"), ("github-token", "ght"));
        Assert.Equal(["GIT_AUTH_TOKEN.github.com"], _scene.Request.Secrets.Select(s => s.Id));
        await _scene.SucceedAsync(("secrets", "GIT_AUTH_TOKEN=own"));
        Assert.Equal(["GIT_AUTH_TOKEN"], _scene.Request.Secrets.Select(s => s.Id));
    }

    [Fact]
    public async Task Another_name_in_braces_is_an_error() =>
        await _scene.FailAsync("the input 'context' has the unknown name '{{defaultContxt}}'", ("context", "{{defaultContxt}}"));

    /// <summary>On pull_request_target the job runs for the base branch: so does what it builds, unless it says otherwise.</summary>
    [Fact]
    public async Task The_default_context_of_pull_request_target_is_the_base_branch()
    {
        _scene.Event("pull_request_target", """{"number":12,"pull_request":{"head":{"sha":"fade"}}}""");
        await _scene.SucceedAsync(("context", "{{defaultContext}}"));
        Assert.Equal("https://github.com/o/app.git#c0ffee0123456789", Assert.IsType<GitContext>(_scene.Request.Context).Url);
    }

    private IEnumerable<string> Read(string input, BuildRequest request) => input switch
    {
        "labels" => request.Labels.Select(l => $"{l.Key}={l.Value}"),
        "build-args" => request.BuildArgs.Select(a => $"{a.Key}={a.Value}"),
        "annotations" => request.Annotations.Select(a => $"{a.Level}|{a.Key}={a.Value}"),
        "tags" => request.Names.Select(n => n.ToString()),
        "platforms" => request.Platforms.Select(p => p.ToString()),
        "no-cache-filters" => request.NoCacheFilter,
        "add-hosts" => request.ExtraHosts.Select(h => $"{h.Name} {h.Address}"),
        "allow" => request.Entitlements,
        "ulimit" => request.Ulimits.Select(u => $"{u.Name}={u.Soft}:{u.Hard}"),
        "build-contexts" => request.NamedContexts.Select(c => $"{c.Key}={((ImageContext)c.Value).Reference}"),
        "cache-from" => request.CacheFrom.Select(c => c.Location.ToString()!),
        "cache-to" => request.CacheTo.Select(c => c.Location.ToString()!),
        "outputs" => request.Outputs.Select(o => Path.GetFileName(o.Destination)!),
        "secrets" => request.Secrets.Select(s => $"{s.Id}={_scene.Host.EngineOptions!.Variables[s.Variable!]}"),
        "secret-envs" => request.Secrets.Select(s => $"{s.Id}=${s.Variable}"),
        "secret-files" => request.Secrets.Select(s => $"{s.Id}={Path.GetFileName(s.File)}"),
        "ssh" => request.Ssh.Select(s => $"{s.Id}={Path.GetFileName(s.Paths[0])}"),
        _ => throw new InvalidOperationException(input),
    };
}
