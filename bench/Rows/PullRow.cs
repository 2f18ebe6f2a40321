using System.IO.Compression;
using System.Security.Cryptography;
using Kimg.TestKit;

namespace Kimg.Bench.Rows;

/// <summary>A large base that no builder has: pulled, unpacked, and a step run on it.</summary>
internal sealed class PullRow : Row
{
    private string _layout = "";

    public override string Name => "pull";

    public override string Title => "pull and unpack of a large base (the .NET SDK)";

    public override (double, double) Target => (0.9, 0.6);

    public override async Task PrepareAsync(Workbench bench)
    {
        _layout = await bench.ProvideAsync("dotnet-sdk");
        await File.WriteAllTextAsync(bench.Fresh("pull") + "/Dockerfile", "ARG BASE\nFROM ${BASE}\nRUN true\n");
    }

    /// <summary>The same files in other blobs: zeros after the end of a tar change its digests and nothing else.</summary>
    public override async Task BeforeAsync(Workbench bench, int repetition)
    {
        string blobs = bench.Fresh("pull-layout/blobs/sha256");
        byte[] zeros = new byte[512 * (1 + RandomNumberGenerator.GetInt32(4000))];
        List<string> diffIds = [], layers = [];
        foreach (string line in await File.ReadAllLinesAsync(Path.Combine(_layout, "layers")))
        {
            string source = Path.Combine(_layout, "blobs/sha256", line.Split(' ')[1]), copy = Path.Combine(blobs, "layer");
            File.Copy(source, copy, overwrite: true);
            await using (FileStream end = File.Open(copy, FileMode.Append))
            await using (GZipStream member = new(end, CompressionLevel.Fastest))
                await member.WriteAsync(zeros);
            await using (FileStream whole = File.OpenRead(copy))
            await using (GZipStream tar = new(whole, CompressionMode.Decompress))
                diffIds.Add($"\"sha256:{Convert.ToHexStringLower(await SHA256.HashDataAsync(tar))}\"");
            layers.Add(await PutAsync(blobs, copy, "application/vnd.oci.image.layer.v1.tar+gzip"));
        }

        await File.WriteAllTextAsync(blobs + "/config", $$$"""{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/usr/bin:/bin"]},"rootfs":{"type":"layers","diff_ids":[{{{string.Join(',', diffIds)}}}]}}""");
        string config = await PutAsync(blobs, blobs + "/config", "application/vnd.oci.image.config.v1+json");
        await File.WriteAllTextAsync(blobs + "/manifest", $$"""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{{config}},"layers":[{{string.Join(',', layers)}}]}""");
        string manifest = await PutAsync(blobs, blobs + "/manifest", "application/vnd.oci.image.manifest.v1+json");
        await File.WriteAllTextAsync(bench["pull-layout/index.json"], $$"""{"schemaVersion":2,"manifests":[{{manifest}}]}""");
        await File.WriteAllTextAsync(bench["pull-layout/oci-layout"], """{"imageLayoutVersion":"1.0.0"}""");
        await HostProgram.MustAsync("skopeo", "copy", "-q", "--dest-tls-verify=false", $"oci:{bench["pull-layout"]}", $"docker://{Image(bench, repetition)}");
        Workbench.Remove(bench["pull-layout"]);
    }

    public override async Task<double> MeasureAsync(Workbench bench, Builder builder, int repetition) =>
        (await Stopwatched.RunAsync(builder, new BuildJob { Context = bench["pull"] }.With("BASE", Image(bench, repetition)))).Seconds;

    private static string Image(Workbench bench, int repetition) => $"{bench.Registry}/pull/big:{bench.Nonce[..8]}-{repetition + 1}";

    private static async Task<string> PutAsync(string blobs, string file, string mediaType)
    {
        string digest;
        long size;
        await using (FileStream content = File.OpenRead(file))
            (digest, size) = (Convert.ToHexStringLower(await SHA256.HashDataAsync(content)), content.Length);
        File.Move(file, Path.Combine(blobs, digest), overwrite: true);
        return $$"""{"mediaType":"{{mediaType}}","digest":"sha256:{{digest}}","size":{{size}}}""";
    }
}
