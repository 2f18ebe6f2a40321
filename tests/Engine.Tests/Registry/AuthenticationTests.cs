using System.Text;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Registry;

public sealed class AuthenticationTests
{
    private static readonly string s_basic = "Basic " + Convert.ToBase64String("me:geheim"u8);

    [Fact]
    public async Task Gets_an_anonymous_token_once_and_keeps_it()
    {
        using var tokens = new ScriptedServer(_ => Scripts.Token("t1"));
        using var registry = new ScriptedServer(r => r.Authorization == "Bearer t1" ? Scripts.Manifest : Scripts.Bearer(tokens));
        using var client = new RegistryClient(Scripts.Options);

        await client.ResolveAsync(registry.Name(), default);
        await client.ResolveAsync(registry.Name("app:2"), default);

        Assert.Equal(["GET /token?service=test&scope=repository%3Aapp%3Apull"], tokens.Lines);
        Assert.Null(tokens.Requests[0].Authorization);
        Assert.Equal(["HEAD /v2/app/manifests/1", "HEAD /v2/app/manifests/1", "HEAD /v2/app/manifests/2"], registry.Lines);
    }

    [Fact]
    public async Task Shows_the_password_to_the_token_service_only()
    {
        using var tokens = new ScriptedServer(r => r.Authorization == s_basic ? Scripts.Token("t1") : new ScriptedAnswer(401));
        using var registry = new ScriptedServer(r => r.Authorization == "Bearer t1" ? Scripts.Manifest : Scripts.Bearer(tokens));
        using var client = new RegistryClient(Scripts.With("me", "geheim"));

        await client.ResolveAsync(registry.Name(), default);

        Assert.Equal("/token?service=test&scope=repository%3Aapp%3Apull&account=me", tokens.Requests[0].Path);
        Assert.DoesNotContain(registry.Requests, r => r.Authorization == s_basic);
    }

    [Fact]
    public async Task Exchanges_an_identity_token()
    {
        using var tokens = new ScriptedServer(_ => new ScriptedAnswer(200, """{"access_token":"t2","expires_in":300}"""));
        using var registry = new ScriptedServer(r => r.Authorization == "Bearer t2" ? Scripts.Manifest : Scripts.Bearer(tokens));
        using var client = new RegistryClient(Scripts.With("ignored", "", identity: "refresh me&"));

        await client.ResolveAsync(registry.Name(), default);

        ScriptedRequest asked = Assert.Single(tokens.Requests);
        Assert.Equal("POST", asked.Method);
        Assert.Equal(
            "grant_type=refresh_token&client_id=kimg&service=test&scope=repository%3Aapp%3Apull&refresh_token=refresh%20me%26", asked.Text);
    }

    [Fact]
    public async Task Answers_a_basic_challenge_and_keeps_doing_so()
    {
        using var registry = new ScriptedServer(r => r.Authorization == s_basic
            ? Scripts.Manifest
            : new ScriptedAnswer(401, "", ("WWW-Authenticate", "Basic realm=\"x\"")));
        using var client = new RegistryClient(Scripts.With("me", "geheim"));

        await client.ResolveAsync(registry.Name(), default);
        await client.ResolveAsync(registry.Name(), default);

        Assert.Equal(3, registry.Requests.Count);
    }

    [Fact]
    public async Task Fetches_another_token_when_the_registry_no_longer_takes_one()
    {
        int issued = 0;
        string accepted = "t1";
        using var tokens = new ScriptedServer(_ => Scripts.Token("t" + Interlocked.Increment(ref issued)));
        using var registry = new ScriptedServer(r => r.Authorization == "Bearer " + accepted ? Scripts.Manifest : Scripts.Bearer(tokens));
        using var client = new RegistryClient(Scripts.Options);

        await client.ResolveAsync(registry.Name(), default);
        accepted = "t2";
        await client.ResolveAsync(registry.Name(), default);

        Assert.Equal(2, issued);
    }

    [Fact]
    public async Task Fetches_another_token_before_the_first_expires()
    {
        var time = new ManualTime();
        int issued = 0;
        using var tokens = new ScriptedServer(_ => new ScriptedAnswer(200, $$"""{"token":"t{{Interlocked.Increment(ref issued)}}","expires_in":300}"""));
        using var registry = new ScriptedServer(r => r.Authorization is not null ? Scripts.Manifest : Scripts.Bearer(tokens));
        using var client = new RegistryClient(Scripts.Options with { Time = time });

        await client.ResolveAsync(registry.Name(), default);
        time.Now += TimeSpan.FromSeconds(299);
        await client.ResolveAsync(registry.Name(), default);

        Assert.Equal("Bearer t2", registry.Requests[^1].Authorization);
        Assert.Equal(3, registry.Requests.Count);
    }

    [Fact]
    public async Task Many_requests_at_once_share_one_token()
    {
        using var tokens = new ScriptedServer(_ => Scripts.Token("t1"));
        using var registry = new ScriptedServer(r => r.Authorization == "Bearer t1" ? Scripts.Manifest : Scripts.Bearer(tokens));
        using var client = new RegistryClient(Scripts.Options);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => client.ResolveAsync(registry.Name($"app:{i}"), default)));

        Assert.Single(tokens.Requests);
    }

    [Fact]
    public async Task Gives_up_after_one_answer_and_names_registry_and_credentials_but_not_the_password()
    {
        using var registry = new ScriptedServer(_ => new ScriptedAnswer(
            401, """{"errors":[{"code":"UNAUTHORIZED","message":"nope"}]}""", ("WWW-Authenticate", "Basic realm=\"x\"")));
        using var client = new RegistryClient(Scripts.With("me", "geheim"));

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => client.GetManifestAsync(registry.Name(), null, default));

        Assert.Equal(ErrorCode.AuthenticationFailed, e.Code);
        Assert.Equal(2, registry.Requests.Count);
        Assert.Equal(
            $"manifest '{registry.Host}/app:1': registry '{registry.Host}' answered 401 Scripted: UNAUTHORIZED: nope (tried the credentials of 'me' from the test)",
            e.Message);
        AssertHidden(e, "geheim");
    }

    [Fact]
    public async Task Says_where_no_credentials_were_found()
    {
        using var registry = new ScriptedServer(_ => new ScriptedAnswer(401, "", ("WWW-Authenticate", "Basic realm=\"x\"")));
        using var client = new RegistryClient(Scripts.Options with { Credentials = new FixedCredentials(null) });

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => client.ResolveAsync(registry.Name(), default));

        Assert.Contains($"no credentials for '{registry.Host}' in the test's credentials", e.Message, StringComparison.Ordinal);
        Assert.Contains("kimg login", e.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/token")]
    [InlineData("ftp://127.0.0.1/token")]
    [InlineData("http://user:pw@127.0.0.1/token")]
    public async Task Refuses_a_token_service_that_is_no_plain_http_address(string realm)
    {
        using var registry = new ScriptedServer(_ => new ScriptedAnswer(401, "", ("WWW-Authenticate", $"Bearer realm=\"{realm}\"")));
        using var client = new RegistryClient(Scripts.With("me", "geheim"));

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => client.ResolveAsync(registry.Name(), default));

        Assert.Equal(ErrorCode.AuthenticationFailed, e.Code);
        Assert.DoesNotContain("pw", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{"token":"two\r\nX-Injected: lines"}""")]
    public async Task Refuses_a_token_that_is_none(string body)
    {
        using var tokens = new ScriptedServer(_ => new ScriptedAnswer(200, body));
        using var registry = new ScriptedServer(_ => Scripts.Bearer(tokens));
        using var client = new RegistryClient(Scripts.Options);

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => client.ResolveAsync(registry.Name(), default));

        Assert.Equal(ErrorCode.AuthenticationFailed, e.Code);
    }

    [Fact]
    public async Task Shows_what_the_token_service_says()
    {
        using var tokens = new ScriptedServer(_ => new ScriptedAnswer(401, """{"errors":[{"code":"DENIED","message":"wrong password"}]}"""));
        using var registry = new ScriptedServer(_ => Scripts.Bearer(tokens));
        using var client = new RegistryClient(Scripts.With("me", "geheim"));

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => client.ResolveAsync(registry.Name(), default));

        Assert.Equal(ErrorCode.AuthenticationFailed, e.Code);
        Assert.Contains("answered 401 Scripted: DENIED: wrong password", e.Message, StringComparison.Ordinal);
        AssertHidden(e, "geheim");
    }

    [Fact]
    public async Task Tries_a_failing_token_service_again()
    {
        int asked = 0;
        using var tokens = new ScriptedServer(_ => Interlocked.Increment(ref asked) < 3 ? new ScriptedAnswer(503) : Scripts.Token("t1"));
        using var registry = new ScriptedServer(r => r.Authorization == "Bearer t1" ? Scripts.Manifest : Scripts.Bearer(tokens));
        using var client = new RegistryClient(Scripts.Options);

        Assert.Equal(Scripts.ManifestDigest, (await client.ResolveAsync(registry.Name(), default)).Digest);
    }

    [Fact]
    public async Task Credentials_do_not_follow_a_redirect_to_another_host()
    {
        byte[] blob = Encoding.UTF8.GetBytes("blob");
        using var storage = new ScriptedServer(_ => new ScriptedAnswer(200, blob));
        using var registry = new ScriptedServer(r => r.Authorization == s_basic
            ? new ScriptedAnswer(307, "", ("Location", $"http://{storage.Host}/signed?X-Signature=secret"))
            : new ScriptedAnswer(401, "", ("WWW-Authenticate", "Basic realm=\"x\"")));
        using var client = new RegistryClient(Scripts.With("me", "geheim"));

        ReadOnlyMemory<byte> got = await client.GetBlobAsync(registry.Name(), Scripts.Blob(blob), default);

        Assert.Equal(blob, got.ToArray());
        Assert.Null(Assert.Single(storage.Requests).Authorization);
    }

    [Fact]
    public async Task A_401_from_where_it_was_redirected_gets_no_credentials()
    {
        using var storage = new ScriptedServer(_ => new ScriptedAnswer(401, "", ("WWW-Authenticate", "Basic realm=\"give me\"")));
        using var registry = new ScriptedServer(_ => new ScriptedAnswer(307, "", ("Location", $"http://{storage.Host}/signed?X-Signature=secret")));
        using var client = new RegistryClient(Scripts.With("me", "geheim"));

        KimgException e = await Assert.ThrowsAsync<KimgException>(
            () => client.GetBlobAsync(registry.Name(), Scripts.Blob([1]), default));

        Assert.Equal(ErrorCode.DownloadFailed, e.Code);
        Assert.Null(Assert.Single(storage.Requests).Authorization);
        AssertHidden(e, "geheim");
        AssertHidden(e, "secret");
    }

    private static void AssertHidden(KimgException e, string secret)
    {
        for (Exception? inner = e; inner is not null; inner = inner.InnerException)
            Assert.DoesNotContain(secret, inner.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(secret, e.Hint ?? "", StringComparison.Ordinal);
    }
}
