namespace Kimg.Bench.Rows;

/// <summary>The build that people run most often: nothing has changed.</summary>
internal sealed class NoopRow(bool tar) : Row
{
    public override string Name => tar ? "noop-oci" : "noop";

    public override string Title => tar ? "nothing changed, OCI tar written" : "nothing changed, no output";

    public override (double, double) Target => tar ? (0.3, 0.25) : (0.15, 0.05);

    public override int Weight => 3;

    public override async Task PrepareAsync(Workbench bench)
    {
        await bench.ProvideAsync("debian");
        string context = bench.Fresh("noop/sub");
        await File.WriteAllTextAsync(context + "/file", "content\n");
        await File.WriteAllTextAsync(bench["noop/script.sh"], "echo done\n");
        await File.WriteAllTextAsync(bench["noop/Dockerfile"], """
            ARG BASE
            FROM ${BASE}
            ARG NONCE
            ENV LANG=C.UTF-8
            WORKDIR /app
            COPY script.sh .
            RUN sh script.sh > done
            COPY sub sub
            RUN ls -R > listing
            LABEL org.opencontainers.image.title=noop
            EXPOSE 8080
            USER 1000:1000
            CMD ["sh", "script.sh"]
            """);
    }

    public override async Task<double> MeasureAsync(Workbench bench, Builder builder, int repetition)
    {
        BuildJob job = new BuildJob { Context = bench["noop"], Output = tar ? new OciTar(bench[$"{builder.Name}.tar"]) : new CacheOnly() }
            .With("BASE", bench.Base("debian")).With("NONCE", bench.Nonce);
        return (await Stopwatched.RunAsync(builder, job)).Seconds;
    }
}
