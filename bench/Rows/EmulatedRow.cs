using Kimg.TestKit;

namespace Kimg.Bench.Rows;

/// <summary>One step of Debian's busybox, for this machine's architecture or for arm64. A builder that needs the host's binfmt_misc for the latter fails where there is none.</summary>
internal sealed class EmulatedRow(bool foreign) : Row
{
    public override string Name => foreign ? "step-arm64" : "step-native";

    public override string Title => $"2,000 small files and a checksum of 64 MB in a step, {(foreign ? "arm64 under QEMU" : "native")}";

    public override (double, double) Target => (1, 0.9);

    public override async Task PrepareAsync(Workbench bench)
    {
        string busybox = foreign ? await ForeignPrograms.BusyboxAsync() : "/bin/busybox";
        File.Copy(busybox, bench.Fresh(Name) + "/busybox", overwrite: true);
        await File.WriteAllTextAsync(bench[Name] + "/Dockerfile", """
            FROM scratch
            COPY busybox /bin/busybox
            RUN ["/bin/busybox", "--install", "-s", "/bin"]
            ARG NONCE
            RUN mkdir /out && for i in $(seq 2000); do echo "$NONCE $i" > /out/$i; done && head -c 64000000 /dev/zero | sha256sum > /sum
            """);
    }

    public override async Task<double> MeasureAsync(Workbench bench, Builder builder, int repetition)
    {
        BuildJob job = new() { Context = bench[Name], Platform = foreign ? "linux/arm64" : null };
        return (await Stopwatched.RunAsync(builder, job.With("NONCE", $"{bench.Nonce}-{repetition}"))).Seconds;
    }
}
