using System.Collections.Immutable;
using System.Text;
using Kimg.Engine.Build;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Tests.Progress;

/// <summary>Event sequences with their times.</summary>
internal sealed class Recording
{
    public static readonly DateTimeOffset Start = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    private readonly ImmutableArray<BuildEvent>.Builder _events = ImmutableArray.CreateBuilder<BuildEvent>();

    public static DateTimeOffset At(double seconds) => Start + TimeSpan.FromSeconds(seconds);

    public ImmutableArray<BuildEvent> Events => _events.ToImmutable();

    public Recording Add(double at, string name, params string[] inputs)
    {
        _events.Add(new VertexAdded(At(at), Id(name), [.. inputs.Select(Id)], name));
        return this;
    }

    public Recording Begin(double at, string name)
    {
        _events.Add(new VertexStarted(At(at), Id(name)));
        return this;
    }

    public Recording Write(double at, string name, string text, int stream = 1)
    {
        _events.Add(new VertexOutput(At(at), Id(name), stream, Encoding.UTF8.GetBytes(text)));
        return this;
    }

    public Recording Transfer(double at, string name, string id, long current, long total, double started, bool done = false)
    {
        _events.Add(new VertexProgress(At(at), Id(name), id, "", current, total, At(started), done ? At(at) : null));
        return this;
    }

    public Recording End(double at, string name, bool cached = false, string? error = null, bool tolerated = false)
    {
        _events.Add(new VertexCompleted(At(at), Id(name), cached, error) { Tolerated = tolerated });
        return this;
    }

    public Recording Warn(double at, string name, LintWarning warning)
    {
        _events.Add(new VertexWarning(At(at), Id(name), warning));
        return this;
    }

    public Recording Notice(double at, string text)
    {
        _events.Add(new BuildNotice(At(at), text));
        return this;
    }

    /// <summary>A build with everything a view has to show: a warning, a pull, a cached step, two steps at once, hostile output, a failure.</summary>
    public static Recording Failing()
    {
        const string Load = "[internal] load build definition from Dockerfile", From = "[base 1/2] FROM r.example.com/base:1";
        const string Cached = "[base 2/2] RUN make deps", Left = "[left 1/1] RUN make \"left\"", Right = "[right 1/1] RUN make right";
        const string Never = "[final 1/1] COPY --from=left /a /a";
        var source = new SourceText("FROM r.example.com/base:1 as base\nRUN make deps\n");
        var warning = new LintWarning("FromAsCasing", "The 'as' keyword should match the case of the 'from' keyword", "'as' and 'FROM' differ in case", null)
        {
            Span = new SourceSpan("Dockerfile", 1, 1, 1, 34) { Source = source },
            Url = "https://docs.docker.com/go/dockerfile/rule/from-as-casing/",
        };
        return new Recording()
            .Add(0, Load).Begin(0, Load).Transfer(0.1, Load, "transferring dockerfile:", 360, 0, 0, done: true).Warn(0.1, Load, warning).End(0.125, Load)
            .Add(0.2, From).Add(0.2, Cached, From).Add(0.2, Left, Cached).Add(0.2, Right, Cached).Add(0.2, Never, Left, Right)
            .Begin(0.2, From)
            .Transfer(0.3, From, "sha256:0123456789ab", 0, 45_000_000, 0.3)
            .Transfer(0.9, From, "sha256:0123456789ab", 12_345_678, 45_000_000, 0.3)
            .Transfer(6, From, "sha256:0123456789ab", 40_000_000, 45_000_000, 0.3)
            .Transfer(6.5, From, "sha256:0123456789ab", 45_000_000, 45_000_000, 0.3, done: true)
            .End(6.5, From)
            .Begin(6.5, Cached).End(6.5, Cached, cached: true)
            .Notice(6.5, "two steps run at once")
            .Begin(6.6, Left).Begin(6.6, Right)
            .Write(6.7, Left, "left 1\nleft ").Write(6.75, Right, "right 1\n", 2).Write(6.8, Left, "2\n")
            .Write(7.0, Left, "10%\r50%\r100%\r\n")
            .Write(7.1, Left, "\u001b[31mred\u001b[0m\u001b[2J\u001b]0;title\u0007 tab\there \u001b[5Aup\n")
            .Write(12.5, Left, "left after its turn\n")
            .Write(12.6, Right, "wide 日本 and é\n")
            .Write(13, Right, "no end of line")
            .End(13.2, Right, error: "process \"/bin/sh -c make right\" did not complete successfully: exit code: 2")
            .End(13.25, Left, error: "canceled");
    }

    private static Digest Id(string name) => Digest.Sha256(name);
}
