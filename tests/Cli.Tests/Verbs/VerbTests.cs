using System.Text.Json;
using Kimg.Cli.Tests.Progress;
using Kimg.Cli.Tests.Surroundings;
using Kimg.Engine.Build;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Xunit;

namespace Kimg.Cli.Tests.Verbs;

public sealed class VerbTests : IDisposable
{
    private readonly TestHost _host = new();

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task Quiet_prints_the_image_id_and_nothing_else()
    {
        _host.Engine.Events = Recording.Failing().Events;
        Assert.Equal(0, await _host.RunAsync("build", "-q", "."));
        Assert.Equal(Digest.Sha256("config") + "\n", _host.Output);
        Assert.Equal("", _host.Error);
    }

    [Fact]
    public async Task Progress_goes_to_stderr_and_warnings_follow_it()
    {
        LintWarning warning = new("StageNameCasing", "Stage names should be lowercase", "Stage name 'Base' should be lowercase", null);
        _host.Engine.Events = Recording.Failing().Events;
        _host.Engine.Result = new BuildResult { Warnings = [warning] };
        Assert.Equal(0, await _host.RunAsync("build", "."));
        Assert.Equal("", _host.Output);
        Assert.Contains("#3 CACHED", _host.Error, StringComparison.Ordinal);
        Assert.EndsWith(
            " 1 warning found (use --debug to expand):\n - StageNameCasing: Stage name 'Base' should be lowercase\n",
            _host.Error,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--progress=rawjson")]
    [InlineData("--progress=json")]
    public async Task Rawjson_is_one_object_a_line(string option)
    {
        _host.Engine.Events = Recording.Failing().Events;
        Assert.Equal(0, await _host.RunAsync("build", option, "."));
        foreach (string line in _host.Error.TrimEnd('\n').Split('\n')) JsonDocument.Parse(line).Dispose();
    }

    [Theory]
    [InlineData("push app:1", "copy store docker.io/library/app:1 → registry docker.io/library/app:1 []")]
    [InlineData("push app:1 r.example/b", "copy store docker.io/library/app:1 → registry r.example/b:latest []")]
    [InlineData("pull --platform linux/arm64 app", "copy registry docker.io/library/app:latest → store docker.io/library/app:latest [linux/arm64]")]
    [InlineData("copy r.example/a oci-layout:///tmp/l:v1", "copy registry r.example/a:latest → layout /tmp/l v1 []")]
    [InlineData("copy oci-archive:///tmp/a.tar:v1 r.example/b", "copy archive /tmp/a.tar v1 → registry r.example/b:latest []")]
    [InlineData("push oci-archive:///tmp/a.tar r.example/b", "copy archive /tmp/a.tar  → registry r.example/b:latest []")]
    [InlineData("copy store://a docker://b", "copy store docker.io/library/a:latest → registry docker.io/library/b:latest []")]
    public async Task Push_pull_and_copy_are_copies_between_locations(string argv, string call)
    {
        Assert.Equal(0, await _host.RunAsync(argv.Split(' ')));
        Assert.Equal([call, "disposed"], _host.Engine.Calls);
        Assert.Equal(RecordingEngine.Root.Digest + "\n", _host.Output);
    }

    [Theory]
    [InlineData("tag a:1 b:2", "tag docker.io/library/a:1 docker.io/library/b:2", "")]
    [InlineData("prune", "prune   False", "deleted 3 items, 4.50MB\n")]
    [InlineData("prune -a --older-than 7d --keep-storage 1k", "prune 7.00:00:00 1024 True", "deleted 3 items, 4.50MB\n")]
    [InlineData("prune -f --keep-duration 1h30m --max-used-space 2k --min-free-space 3k --reserved-space 4k --filter type=regular --filter id~=^sha", "prune 01:30:00 2048 False 3072 4096 type=regular id~=^sha", "deleted 3 items, 4.50MB\n")]
    [InlineData("index create --dry-run a b@sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "index registry docker.io/library/a:latest registry docker.io/library/b@sha256:0000000000000000000000000000000000000000000000000000000000000000 →  append=False dry=True ", "{}")]
    [InlineData("index create -t r.example/app --append --annotation a=b --annotation manifest-descriptor[linux/arm64]:c=d store://a",
        "index store docker.io/library/a:latest → registry r.example/app:latest append=True dry=False Annotation { Key = a, Value = b, Level = index, Platform =  } Annotation { Key = c, Value = d, Level = manifest-descriptor, Platform = linux/arm64 }",
        "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\n")]
    [InlineData("push oci-layout:///tmp/l:v1 r.example/app", "copy layout /tmp/l v1 → registry r.example/app:latest []", "sha256:4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2\n")]
    [InlineData("cache inspect r.example/app:cache", "cache inspect r.example/app:cache",
        "Name:        example.com/app:cache\nWritten:     2026-01-02 03:04:05 UTC\nSteps:       7\nLayers:      1, 1.50MB\nBase layers: 3, in their images\n  sha256:4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2     1.50MB\nMount:       /root/.npm, 20.00MB in 4B\n")]
    [InlineData("cache import type=local,src=/tmp/c", "cache import /tmp/c",
        "Name:        example.com/app:cache\nWritten:     2026-01-02 03:04:05 UTC\nSteps:       7\nLayers:      1, 1.50MB\nBase layers: 3, in their images\nMount:       /root/.npm, 20.00MB in 4B\n")]
    [InlineData("logout https://index.docker.io/v1/", "logout docker.io", "logged out of docker.io\n")]
    [InlineData("logout --all", "logout all", "logged out of a.example\nlogged out of b.example\n")]
    [InlineData("registry serve --address localhost:0 --read-only", "serve localhost:0  True", "127.0.0.1:4711\n")]
    public async Task Asks_the_engine_and_prints_the_answer(string argv, string call, string output)
    {
        Assert.Equal(0, await _host.RunAsync(argv.Split(' ')));
        Assert.Equal(call, _host.Engine.Calls[0]);
        Assert.Equal(output, _host.Output);
    }

    [Theory]
    [InlineData("prune --older-than soon", "not a duration")]
    [InlineData("prune --filter mutable=perhaps", "true or false")]
    [InlineData("prune --filter idd=x", "unknown key 'idd'")]
    [InlineData("prune --filter id~=(", "only ^ $ . and .*")]
    [InlineData("du --filter until=x", "not a duration")]
    [InlineData("index create a", "the index needs a name")]
    [InlineData("index annotate a", "there is nothing to add")]
    [InlineData("push oci-layout:///tmp/l", "where is it pushed to?")]
    [InlineData("push oci-archive:///tmp/a.tar", "where is it pushed to?")]
    [InlineData("cache export type=inline", "no cache that can be")]
    [InlineData("build --gc max=1 .", "unknown key 'max'")]
    [InlineData("registry serve --address 0.0.0.0:5000", "loopback only")]
    [InlineData("registry serve --address here", "not HOST:PORT")]
    [InlineData("registry serve --tls-cert a.pem", "go together")]
    [InlineData("login r.example", "--password-stdin")]
    [InlineData("login -u me r.example", "stdin is no terminal")]
    [InlineData("login -u me -p secret --password-stdin r.example", "exclude each other")]
    [InlineData("logout --all r.example", "exclude each other")]
    [InlineData("login -u me --password-stdin r.example/team", "not a registry")]
    [InlineData("login -u me --password-stdin r.example", "is empty")]
    public async Task Bad_input_is_a_usage_error(string argv, string messages)
    {
        Assert.Equal(2, await _host.RunAsync(argv.Split(' ')));
        Assert.Contains(messages.Split('|'), m => _host.Error.Contains(m, StringComparison.Ordinal));
        Assert.DoesNotContain("secret", _host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Login_takes_the_password_from_stdin_without_the_line_break()
    {
        _host.Input = "p@ss word\n"u8.ToArray();
        Assert.Equal(0, await _host.RunAsync("login", "--username", "me", "--password-stdin", "r.example:5000"));
        Assert.Equal("login r.example:5000 me p@ss word", _host.Engine.Calls[0]);
        Assert.DoesNotContain("p@ss", _host.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Login_asks_on_a_terminal_for_what_is_not_given_and_hides_the_password()
    {
        (_host.InputIsTerminal, _host.Input) = (true, "me\np@ss word\n"u8.ToArray());
        Assert.Equal(0, await _host.RunAsync("login", "r.example"));
        Assert.Equal("login r.example me p@ss word", _host.Engine.Calls[0]);
        Assert.Equal("Username for r.example: Password: ", _host.Error);
        Assert.Equal(1, _host.Hidden);
    }

    [Fact]
    public async Task A_password_on_the_command_line_is_taken_with_a_warning()
    {
        Assert.Equal(0, await _host.RunAsync("login", "-u", "me", "-p", "p@ss", "r.example"));
        Assert.StartsWith("warning: --password shows", _host.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("p@ss", _host.Output + _host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_shows_what_is_missing_and_the_fix()
    {
        Assert.Equal(0, await _host.RunAsync("doctor"));
        Golden.Matches("tests/Cli.Tests/testdata/verbs/doctor.txt", _host.Output);
    }

    [Fact]
    public async Task Usage_is_summed_by_kind()
    {
        _host.Engine.Usage =
        [
            new("layer", "sha256:aa", 2_000_000, Recording.Start, true, "RUN make"),
            new("layer", "sha256:bb", 1_000_000, Recording.Start, false, "COPY . ."),
            new("image", "app:1", 500, Recording.Start, true, ""),
        ];
        Assert.Equal(0, await _host.RunAsync("du", "-v"));
        Golden.Matches("tests/Cli.Tests/testdata/verbs/du.txt", _host.Output);
    }

    [Fact]
    public async Task Inspect_prints_a_summary_the_raw_bytes_or_json()
    {
        Descriptor layer = new() { MediaType = MediaTypes.OciLayerGzip, Digest = Digest.Sha256("layer"), Size = 1234 };
        var image = new PlatformImage(new Platform("linux", "amd64"), RecordingEngine.Root, """{"os":"linux"}"""u8.ToArray(), [layer]);
        _host.Engine.Image = new ImageReport("app:1", RecordingEngine.Root, "{}"u8.ToArray(), [image]);
        foreach (string[] option in new string[][] { [], ["--json"], ["--raw"], ["--config"] })
            Assert.Equal(0, await _host.RunAsync(["inspect", "app:1", .. option]));
        Golden.Matches("tests/Cli.Tests/testdata/verbs/inspect.txt", _host.Output);
    }

    [Fact]
    public async Task An_archive_that_is_there_is_pushed_by_its_file_name()
    {
        _host.Write("out.tar", "");
        Assert.Equal(0, await _host.RunAsync("push", "out.tar", "r.example/b"));
        Assert.Equal($"copy archive {_host.WorkingDirectory}/out.tar  → registry r.example/b:latest []", _host.Engine.Calls[0]);
        Assert.Equal(2, await _host.RunAsync("push", "out.tar"));
        Assert.Contains("where is it pushed to?", _host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_index_that_is_none_is_said_to_be_none()
    {
        byte[] manifest = """{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[],"annotations":{"a":"b"}}"""u8.ToArray();
        var root = new Descriptor { MediaType = MediaTypes.OciManifest, Digest = Digest.Sha256(manifest), Size = manifest.Length };
        _host.Engine.Image = new ImageReport("app:1", root, manifest, []);
        Assert.Equal(0, await _host.RunAsync("index", "inspect", "app:1"));
        Assert.Equal(
            $"Name:      app:1\nDigest:    {root.Digest}\nMediaType: {MediaTypes.OciManifest}\nKind:      a single image, no index (kimg inspect shows what is in it)\na=b\n", _host.Output);
    }

    [Fact]
    public async Task Digests_are_asked_for_several_images_at_once()
    {
        Assert.Equal(0, await _host.RunAsync("inspect", "--digest", "app:1", "store://app:2"));
        Assert.Equal($"{RecordingEngine.Root.Digest}\n{RecordingEngine.Root.Digest}\n", _host.Output);
        Assert.Equal(2, await _host.RunAsync("inspect", "app:1", "app:2"));
        Assert.Contains("--digest", _host.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("check .", "check.txt")]
    [InlineData("build --check .", "check.txt")]
    [InlineData("check --format json .", "check.json")]
    [InlineData("build --call=check,format=json .", "check.json")]
    [InlineData("check --format=sarif .", "check.sarif")]
    public async Task Findings_are_printed_and_make_the_exit_code_3(string argv, string golden)
    {
        var source = new SourceText("FROM scratch AS Base\nCOPY a /a\n");
        var warning = new LintWarning("StageNameCasing", "Stage names should be lowercase", "Stage name 'Base' should be lowercase", null)
        {
            Span = new SourceSpan("Dockerfile", 1, 1, 1, 20) { Source = source },
            Url = "https://docs.docker.com/go/dockerfile/rule/stage-name-casing/",
        };
        _host.Engine.Report = new CheckResult([warning], null) { FileName = "Dockerfile", Source = source };
        Assert.Equal(3, await _host.RunAsync(argv.Split(' ')));
        Golden.Matches(
            "tests/Cli.Tests/testdata/verbs/" + golden,
            _host.Output.Replace(Cli.Verbs.VersionVerb.Version, "VERSION", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("outline", "outline.txt")]
    [InlineData("outline,format=json", "outline.json")]
    [InlineData("targets", "targets.txt")]
    [InlineData("targets,format=json", "targets.json")]
    [InlineData("subrequests.describe", "describe.txt")]
    public async Task What_a_Dockerfile_offers_is_printed_without_building(string call, string golden)
    {
        Assert.Equal(0, await _host.RunAsync("build", "--call=" + call, "."));
        Golden.Matches("tests/Cli.Tests/testdata/verbs/" + golden, _host.Output);
        Assert.DoesNotContain('\u001b', _host.Output);
        Assert.DoesNotContain("build", _host.Engine.Calls);
    }

    [Theory]
    [InlineData("outlin", "did you mean 'outline'")]
    [InlineData("targets,format=sarif", "findings only")]
    [InlineData("targets,format=yaml", "unknown format")]
    public async Task A_call_that_does_not_exist_is_refused(string call, string message)
    {
        Assert.Equal(2, await _host.RunAsync("build", "--call=" + call, "."));
        Assert.Contains(message, _host.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_findings_the_exit_code_is_0()
    {
        Assert.Equal(0, await _host.RunAsync("check", "."));
        Assert.Equal("Check complete, no warnings found.\n", _host.Output);
    }
}
