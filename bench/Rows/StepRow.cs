namespace Kimg.Bench.Rows;

/// <summary>A Dockerfile whose steps all run again, because an argument of theirs is new.</summary>
internal sealed class StepRow(string name, string title, string dockerfile, bool push) : Row
{
    public override string Name => name;

    public override string Title => title;

    public override (double, double) Target => (0.9, 0.6);

    public static StepRow Run() => new("run", "RUN that writes 5,000 files, pushed", """
        ARG BASE
        FROM ${BASE}
        ARG NONCE
        RUN mkdir /out && i=0 && while [ $i -lt 5000 ]; do echo "$NONCE $i" > /out/$i; i=$((i+1)); done
        """, push: true);

    public static StepRow Stages() => new("stages", "four parallel stages of about a second", $"""
        ARG BASE
        {string.Concat(Enumerable.Range(0, 4).Select(i => $$"""
            FROM ${BASE} AS s{{i}}
            ARG NONCE
            RUN (echo "$NONCE {{i}}"; head -c 400000000 /dev/zero) | sha256sum > /sum{{i}}

            """))}
        FROM scratch
        COPY --from=s0 /sum0 /
        COPY --from=s1 /sum1 /
        COPY --from=s2 /sum2 /
        COPY --from=s3 /sum3 /
        """, push: false);

    public override async Task PrepareAsync(Workbench bench)
    {
        await bench.ProvideAsync("debian");
        await File.WriteAllTextAsync(bench.Fresh(name) + "/Dockerfile", dockerfile);
    }

    public override async Task<double> MeasureAsync(Workbench bench, Builder builder, int repetition)
    {
        BuildJob job = new BuildJob
        {
            Context = bench[name],
            Output = push ? new Push($"{bench.Registry}/{name}/{Files.Slug(builder)}:{repetition + 1}") : new CacheOnly(),
        };
        return (await Stopwatched.RunAsync(builder, job.With("BASE", bench.Base("debian")).With("NONCE", $"{bench.Nonce}-{repetition}"))).Seconds;
    }
}
