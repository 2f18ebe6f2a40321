using System.Text;
using System.Text.Json;
using Kimg.Engine.Archive;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Registry.Credentials;
using Kimg.Engine.Snapshots;
using Kimg.Engine.Tests.Archive;
using Kimg.Engine.Tests.Dockerfile;

namespace Kimg.Engine.Tests.Fuzzing;

/// <summary>A reader of input that somebody else made.</summary>
/// <param name="Read">Returns, or throws a <see cref="KimgException"/> (or what <paramref name="Refusals"/> name).</param>
/// <param name="Words">Pieces of the format.</param>
internal sealed record FuzzTarget(string Name, Action<byte[]> Read, IReadOnlyList<byte[]> Seeds, IReadOnlyList<byte[]> Words, params Type[] Refusals)
{
    private const string Hex = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    private static readonly string[] s_dockerWords =
    [
        "FROM a AS b\n", "RUN ", "COPY --from=b ", "ADD --checksum=", "ENV A=", "ARG ", "ONBUILD ", "HEALTHCHECK --interval=1s CMD x\n", "EXPOSE 1-65535/tcp\n", "<<EOF\n",
        "EOF\n", "\\\n", "# escape=`\n", "# check=skip=all\n", "${", "}", ":-", "//", "[\"", "\"]", "--mount=type=cache,target=/", "\r\n", "'", "\"", "$A", "\0", "\u00e9",
    ];

    private static readonly string[] s_jsonWords =
        ["{", "}", "[", "]", ":", ",", "\"", "null", "true", "-1", "1e999", "99999999999999999999", "\"digest\":", "\"size\":", "\"layers\":", "\"manifests\":", "\\ud800", Hex];

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("dockerfile", bytes => DockerfileFrontend.LowerAsync(bytes, "Dockerfile", FakeHost.Options, new FakeHost(), CancellationToken.None).GetAwaiter().GetResult(),
            [.. Vectors("parse", "Dockerfile"), .. Vectors("lower", "Dockerfile"), .. Vectors("error", "Dockerfile")], Bytes(s_dockerWords)),
        new("expander", bytes => new WordExpander('\\', Variables(), new LoweringBudget()).Split(PathText.Decode(bytes)), Vectors("expand", "word"), Bytes(s_dockerWords)),
        new("dockerignore", MatchSome, Vectors("ignore", "patterns"), Bytes("**", "**/", "!", "[a-", "]", "\\", "?", "*", "../", "#", "\n", "/")),
        new("git-reference", bytes => GitReference.TryParse(PathText.Decode(bytes)), Vectors("git", "reference"), Bytes("?ref=", "&subdir=", "#", ":", "@", "%", "://", "..")),
        new("image-reference", bytes => ImageReference.TryParse(PathText.Decode(bytes), out _), [.. Bytes("a/b:c@" + Hex, "localhost:5000/x")], Bytes("/", ":", "@", "sha256:")),
        new("tar", ReadTar, TarSeeds(), Bytes("ustar\0", "ustar  \0", "././@LongLink\0", "GNU.sparse.map=", "SCHILY.xattr.", "30 path=", "\0\0\0\0")),
        new("manifest", bytes => ManifestDocument.Parse(bytes, Digest.Sha256(bytes), null, "fuzz"), ManifestSeeds(), Bytes(s_jsonWords)),
        new("image-config", bytes => JsonSerializer.Deserialize(bytes, OciJson.Default.ImageConfig), ConfigSeeds(), Bytes(s_jsonWords), typeof(JsonException)),
        new("auth-file", bytes => AuthDocument.Parse(bytes, "fuzz"), [.. Bytes("""{"auths":{"r.example":{"auth":"dTpw"}},"credsStore":"x","credHelpers":{"h":"y"}}""")], Bytes(s_jsonWords)),
        new("challenge", bytes => AuthChallenge.ParseAll([Encoding.Latin1.GetString(bytes)]), [.. Bytes("Bearer realm=\"https://a/t\",service=\"b\",scope=\"c\"")], Bytes("=", ",", "\"", "\\", "Basic ")),
        new("layer-index", bytes => LayerIndexFile.Decode(bytes), [.. Bytes("KIMGIDX\u0001")], Bytes("KIMGIDX\u0001", "\0\0\0\0", "\u007f")),
    ];

    private static EnvList Variables()
    {
        var env = new EnvList();
        env.Set("A", "a*b?c/d.e");
        return env;
    }

    private static void MatchSome(byte[] bytes)
    {
        PatternMatcher matcher = PatternMatcher.Create(PatternMatcher.ReadIgnoreFile(PathText.Decode(bytes)));
        foreach (string path in (string[])["a", "a/b/c.d", ".git/config", "node_modules/a/b/c/d/e/f.js", "\u00e9/x"]) matcher.MatchesOrParentMatches(path);
    }

    private static void ReadTar(byte[] bytes)
    {
        var reader = new TarReader(new MemoryStream(bytes));
        var buffer = new byte[64 << 10];
        for (int entries = 0; entries < 10_000 && reader.ReadNext() is not null; entries++)
        {
            // A hole may be as large as it likes: how much of it is read is the caller's business.
            for (int total = 0, read; total < 1 << 20 && (read = reader.Content.Read(buffer)) > 0; total += read)
            {
            }
        }
    }

    private static IReadOnlyList<byte[]> TarSeeds() =>
    [
        Tars.Write(
            (Tars.Of("d", EntryType.Directory) with { Opaque = true }, []),
            (Tars.File("d/" + new string('n', 130), 700) with { Xattrs = Tars.Xattrs(("user.k", [1, 2])) }, new byte[700]),
            (Tars.Of("d/h", EntryType.HardLink, "d/f"), []), (Tars.Of("d/gone", EntryType.Whiteout), [])),
    ];

    private static IReadOnlyList<byte[]> ManifestSeeds() => Bytes(
        $$$"""{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{{{Hex}}}","size":2},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{{{Hex}}}","size":3,"annotations":{"a":"b"}}]}""",
        $$$"""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{{{Hex}}}","size":2,"platform":{"os":"linux","architecture":"arm","variant":"v7"}}]}""");

    private static IReadOnlyList<byte[]> ConfigSeeds() => Bytes(
        $$$"""{"architecture":"amd64","os":"linux","created":"2021-01-02T03:04:05.6Z","config":{"Env":["A=b"],"Cmd":["x"],"Labels":{"l":"v"},"Volumes":{"/v":{}},"ExposedPorts":{"80/tcp":{}},"Healthcheck":{"Test":["CMD","x"],"Interval":1}},"rootfs":{"type":"layers","diff_ids":["{{{Hex}}}"]},"history":[{"created_by":"x","empty_layer":true}]}""");

    private static IReadOnlyList<byte[]> Vectors(string suite, string file) =>
    [
        .. Directory.GetDirectories(Path.Combine(VectorCase.Repository, "tests", "vectors", "dockerfile", suite)).Order(StringComparer.Ordinal)
            .Select(d => Path.Combine(d, file)).Where(File.Exists).Select(File.ReadAllBytes),
    ];

    private static IReadOnlyList<byte[]> Bytes(params string[] texts) => [.. texts.Select(t => Encoding.UTF8.GetBytes(t))];
}
