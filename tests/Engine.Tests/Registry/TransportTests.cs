using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Registry;

public sealed class TransportTests
{
    [Fact]
    public async Task Asks_a_registry_once_when_nothing_is_wrong()
    {
        using var registry = new ScriptedServer(_ => Scripts.Manifest);
        using var client = new RegistryClient(Scripts.Options with { UserAgent = "kimg/1.2" });

        Descriptor resolved = await client.ResolveAsync(registry.Name(), default);

        Assert.Equal((Scripts.ManifestDigest, MediaTypes.OciManifest), (resolved.Digest, resolved.MediaType));
        Assert.Equal(["HEAD /v2/app/manifests/1"], registry.Lines);
        Assert.Equal("kimg/1.2", registry.Requests[0].Headers["User-Agent"]);
        Assert.Contains(MediaTypes.DockerManifestList, registry.Requests[0].Headers["Accept"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tries_again_after_failures_that_may_pass()
    {
        ScriptedAnswer[] answers = [new(503), ScriptedAnswer.Reset, new(429, "", ("Retry-After", "0")), Scripts.Manifest];
        int next = -1;
        using var registry = new ScriptedServer(_ => answers[Interlocked.Increment(ref next)]);
        using var client = new RegistryClient(Scripts.Options);

        await client.GetManifestAsync(registry.Name(), null, default);

        Assert.Equal(4, registry.Requests.Count);
    }

    [Theory]
    [InlineData(503, ErrorCode.RegistryUnreachable, 5)]
    [InlineData(429, ErrorCode.TooManyRequests, 5)]
    [InlineData(404, ErrorCode.ImageNotFound, 1)]
    [InlineData(403, ErrorCode.AccessDenied, 1)]
    [InlineData(418, ErrorCode.RegistryRefused, 1)]
    public async Task Gives_up_with_the_code_that_fits(int status, ErrorCode code, int requests)
    {
        using var registry = new ScriptedServer(_ => new ScriptedAnswer(status, """{"errors":[{"code":"X","message":"says why","detail":{"a":1}}]}"""));
        using var client = new RegistryClient(Scripts.Options);

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => client.GetManifestAsync(registry.Name(), null, default));

        Assert.Equal(code, e.Code);
        Assert.Equal(requests, registry.Requests.Count);
        Assert.StartsWith(
            $"manifest '{registry.Host}/app:1': registry '{registry.Host}' answered {status} Scripted: X: says why: {{\"a\":1}}", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shows_a_huge_and_dirty_error_body_short_and_on_one_line()
    {
        using var registry = new ScriptedServer(_ => new ScriptedAnswer(400, "evil\r\n\u001b[31m" + new string('x', 1 << 20), ("Content-Type", "text/plain")));
        using var client = new RegistryClient(Scripts.Options);

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => client.GetManifestAsync(registry.Name(), null, default));

        Assert.DoesNotContain(e.Message, c => char.IsControl(c));
        Assert.InRange(e.Message.Length, 500, 1500);
    }

    [Fact]
    public async Task Says_that_nobody_listens()
    {
        string host;
        using (var gone = new ScriptedServer(_ => Scripts.Manifest)) host = gone.Host;
        using var client = new RegistryClient(Scripts.Options);

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => client.ResolveAsync(ImageReference.Parse(host + "/app:1"), default));

        Assert.Equal(ErrorCode.RegistryUnreachable, e.Code);
        Assert.Equal($"manifest '{host}/app:1': registry '{host}' cannot be reached: connection refused", e.Message);
    }

    [Fact]
    public async Task Leaves_a_dead_registry_alone_after_a_while()
    {
        using var registry = new ScriptedServer(_ => new ScriptedAnswer(500));
        using var client = new RegistryClient(Scripts.Options);

        for (int i = 0; i < 2; i++) await Assert.ThrowsAsync<KimgException>(() => client.GetManifestAsync(registry.Name(), null, default));
        KimgException e = await Assert.ThrowsAsync<KimgException>(() => client.GetManifestAsync(registry.Name(), null, default));

        Assert.Equal(ErrorCode.RegistryUnreachable, e.Code);
        Assert.Contains("left alone", e.Message, StringComparison.Ordinal);
        Assert.Equal(CircuitBreaker.Threshold, registry.Requests.Count);
    }

    [Fact]
    public async Task Gives_up_on_an_answer_that_does_not_come()
    {
        using var silent = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        silent.Start();
        using var client = new RegistryClient(Scripts.Options with { ResponseTimeout = TimeSpan.FromMilliseconds(100), Attempts = 2 });

        KimgException e = await Assert.ThrowsAsync<KimgException>(
            () => client.GetManifestAsync(ImageReference.Parse($"{silent.LocalEndpoint}/app:1"), null, default));

        Assert.Equal(ErrorCode.RegistryUnreachable, e.Code);
        Assert.EndsWith("no answer within 0.1 s", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stops_at_once_when_cancelled()
    {
        using var cancel = new CancellationTokenSource();
        using var registry = new ScriptedServer(_ =>
        {
            cancel.Cancel();
            return new ScriptedAnswer(503);
        });
        using var client = new RegistryClient(Scripts.Options with { RetryBaseDelay = TimeSpan.FromHours(1), RetryMaxDelay = TimeSpan.FromHours(1) });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.ResolveAsync(registry.Name(), cancel.Token));
    }

    [Fact]
    public async Task Follows_redirects_but_not_for_ever()
    {
        using var registry = new ScriptedServer(r => new ScriptedAnswer(307, "", ("Location", r.Path + "x")));
        using var client = new RegistryClient(Scripts.Options);

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => client.GetManifestAsync(registry.Name(), null, default));

        Assert.Equal(ErrorCode.RegistryRefused, e.Code);
        Assert.Equal(6, registry.Requests.Count);
    }

    [Fact]
    public async Task Does_not_follow_a_redirect_to_a_file()
    {
        using var registry = new ScriptedServer(_ => new ScriptedAnswer(302, "", ("Location", "file:///etc/passwd")));
        using var client = new RegistryClient(Scripts.Options);

        Assert.Equal(
            ErrorCode.RegistryRefused, (await Assert.ThrowsAsync<KimgException>(() => client.GetManifestAsync(registry.Name(), null, default))).Code);
    }

    [Fact]
    public async Task Asks_mirrors_in_order_and_then_the_registry()
    {
        using var broken = new ScriptedServer(_ => new ScriptedAnswer(404));
        using var lying = new ScriptedServer(_ => new ScriptedAnswer(
            200, ScriptsOther(), ("Content-Type", MediaTypes.OciManifest), ("Docker-Content-Digest", Scripts.ManifestDigest.ToString())));
        using var upstream = new ScriptedServer(_ => Scripts.Manifest);
        using var client = new RegistryClient(Scripts.Options.WithMirrors(
            upstream.Host, new RegistryMirror(broken.Host), new RegistryMirror($"http://{lying.Host}/cache/hub")));

        ManifestDocument manifest = await client.GetManifestAsync(upstream.Name(), null, default);

        Assert.Equal(Scripts.ManifestDigest, manifest.Descriptor.Digest);
        string ns = Uri.EscapeDataString(upstream.Host);
        Assert.Equal([$"GET /v2/app/manifests/1?ns={ns}"], broken.Lines);
        Assert.Equal([$"GET /v2/cache/hub/app/manifests/1?ns={ns}"], lying.Lines);
        Assert.Single(upstream.Requests);
    }

    [Fact]
    public async Task Leaves_the_registry_alone_when_a_mirror_has_it()
    {
        using var mirror = new ScriptedServer(_ => Scripts.Manifest);
        using var client = new RegistryClient(Scripts.Options.WithMirrors("docker.io", new RegistryMirror(mirror.Host)));

        await client.ResolveAsync(ImageReference.Parse("alpine"), default);

        Assert.Equal(["HEAD /v2/library/alpine/manifests/latest?ns=docker.io"], mirror.Lines);
    }

    [Fact]
    public async Task Uses_a_mirror_for_digests_only_when_told_so()
    {
        using var mirror = new ScriptedServer(_ => Scripts.Manifest);
        using var upstream = new ScriptedServer(_ => Scripts.Manifest);
        using var client = new RegistryClient(Scripts.Options.WithMirrors(upstream.Host, new RegistryMirror(mirror.Host, Use: MirrorUse.DigestOnly)));

        await client.ResolveAsync(upstream.Name(), default);
        Assert.Empty(mirror.Requests);
        await client.ResolveAsync(upstream.Name($"app@{Scripts.ManifestDigest}"), default);
        Assert.Single(mirror.Requests);
        Assert.Single(upstream.Requests);
    }

    [Fact]
    public async Task Says_what_each_mirror_did_wrong_when_nobody_has_it()
    {
        using var mirror = new ScriptedServer(_ => new ScriptedAnswer(403, """{"errors":[{"code":"DENIED"}]}"""));
        using var upstream = new ScriptedServer(_ => Scripts.NotFound);
        using var client = new RegistryClient(Scripts.Options.WithMirrors(upstream.Host, new RegistryMirror(mirror.Host)));

        KimgException e = await Assert.ThrowsAsync<KimgException>(() => client.ResolveAsync(upstream.Name(), default));

        Assert.Equal(ErrorCode.ImageNotFound, e.Code);
        Assert.Contains($"mirror '{mirror.Host}': ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lists_tags_of_all_pages_and_leaves_the_registry_for_none()
    {
        using var elsewhere = new ScriptedServer(_ => new ScriptedAnswer(200, """{"tags":["evil"]}"""));
        using var registry = new ScriptedServer(r => r.Path switch
        {
            "/v2/app/tags/list" => new ScriptedAnswer(200, """{"name":"app","tags":["a","b"]}""", ("Link", "</v2/app/tags/list?last=b>; rel=\"next\"")),
            _ => new ScriptedAnswer(200, """{"name":"app","tags":["c"]}""", ("Link", $"<http://{elsewhere.Host}/v2/app/tags/list?last=c>; rel=\"next\"")),
        });
        using var client = new RegistryClient(Scripts.Options);

        Assert.Equal(["a", "b", "c"], (await client.ListTagsAsync(registry.Name(), default)).AsEnumerable());
        Assert.Empty(elsewhere.Requests);
    }

    private static byte[] ScriptsOther() => [.. Scripts.ManifestBytes, (byte)'\n'];
}
