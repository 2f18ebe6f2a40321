using System.Globalization;
using System.Text.RegularExpressions;
using Kimg.Engine.Primitives;
using Kimg.TestKit;

namespace Kimg.Engine.Tests.Registry;

/// <summary>The writing half of a registry, with the faults a test wants.</summary>
internal sealed partial class FakeUploads : IDisposable
{
    private readonly Dictionary<string, List<byte>> _sessions = [];
    private readonly HashSet<string> _digests = [];
    private readonly Lock _lock = new();
    private int _patches;

    public FakeUploads() => Server = new ScriptedServer(request =>
    {
        lock (_lock) return Answer(request);
    });

    public ScriptedServer Server { get; }

    public Dictionary<Digest, byte[]> Blobs { get; } = [];

    public List<string> Manifests { get; } = [];

    public List<int> Chunks { get; } = [];

    public int MinChunk { get; init; }

    public int BreakPuts { get; set; }

    public bool RefusePuts { get; init; }

    public int? BreakSecondPatchAfter { get; init; }

    public string? Mountable { get; init; }

    /// <summary>So many manifests are refused as referring to blobs that are not there.</summary>
    public int Doubts { get; set; }

    public int DoubtStatus { get; init; } = 400;

    /// <summary>And the blobs really are gone.</summary>
    public bool DoubtLoses { get; set; }

    public IEnumerable<string> Methods => Server.Requests.Select(r => r.Method);

    public void Dispose() => Server.Dispose();

    private ScriptedAnswer Answer(ScriptedRequest request)
    {
        if (request.Path.Contains("/manifests/", StringComparison.Ordinal)) return AnswerManifest(request);
        if (Session().Match(request.Path) is { Success: true } match) return AnswerSession(request, match.Groups[1].Value);
        if (request.Method == "HEAD") return new ScriptedAnswer(Blobs.Keys.Any(d => request.Path.EndsWith(d.ToString(), StringComparison.Ordinal)) ? 200 : 404);
        if (Mountable is { } from && request.Path.EndsWith("from=" + Uri.EscapeDataString(from), StringComparison.Ordinal)) return new ScriptedAnswer(201);
        string id = "s" + _sessions.Count;
        _sessions[id] = [];
        return MinChunk > 0 ? At(202, id, ("OCI-Chunk-Min-Length", $"{MinChunk}")) : At(202, id);
    }

    private ScriptedAnswer AnswerManifest(ScriptedRequest request)
    {
        string digest = Digest.Sha256(request.Body).ToString();
        if (request.Method != "PUT")
        {
            string reference = request.Path[(request.Path.LastIndexOf('/') + 1)..];
            return _digests.Contains(reference)
                ? new ScriptedAnswer(200, Scripts.ManifestBytes, ("Content-Type", Engine.Oci.MediaTypes.OciManifest), ("Docker-Content-Digest", reference))
                : Scripts.NotFound;
        }

        if (Doubts > 0)
        {
            Doubts--;
            if (DoubtLoses) Blobs.Clear();
            // As distribution answers while another push writes the link of the same blob.
            return new ScriptedAnswer(DoubtStatus, """{"errors":[{"code":"DIGEST_INVALID"},{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}""");
        }

        Manifests.Add(request.Path);
        _digests.Add(digest);
        return new ScriptedAnswer(201, "", ("Docker-Content-Digest", digest));
    }

    private ScriptedAnswer AnswerSession(ScriptedRequest request, string id)
    {
        List<byte> bytes = _sessions[id];
        switch (request.Method)
        {
            case "GET":
                return At(204, id, ("Range", $"0-{Math.Max(0, bytes.Count - 1)}"));
            case "DELETE":
                _sessions.Remove(id);
                return new ScriptedAnswer(204);
            case "PATCH":
                if (request.Headers["Content-Range"] != $"{bytes.Count}-{bytes.Count + request.Body.Length - 1}") return new ScriptedAnswer(416);
                if (++_patches == 2 && BreakSecondPatchAfter is { } kept)
                {
                    bytes.AddRange(request.Body[..kept]);
                    return ScriptedAnswer.Reset;
                }

                Chunks.Add(request.Body.Length);
                bytes.AddRange(request.Body);
                return At(202, id);
            default:
                if (RefusePuts) return new ScriptedAnswer(403);
                bytes.AddRange(request.Body);
                if (BreakPuts-- > 0) return ScriptedAnswer.Reset;
                Digest digest = Digest.Parse(Uri.UnescapeDataString(request.Path[(request.Path.IndexOf("digest=", StringComparison.Ordinal) + 7)..]));
                byte[] blob = [.. bytes];
                if (Digest.Sha256(blob) != digest) return new ScriptedAnswer(400, """{"errors":[{"code":"DIGEST_INVALID"}]}""");
                Blobs[digest] = blob;
                return new ScriptedAnswer(201);
        }
    }

    // The state is another one each time, as in distribution: a client must use the latest.
    private ScriptedAnswer At(int status, string id, params (string, string)[] headers) => new(
        status, "", [("Location", $"/v2/app/blobs/uploads/{id}?state={_sessions[id].Count.ToString(CultureInfo.InvariantCulture)}"), .. headers]);

    [GeneratedRegex("/blobs/uploads/(s[0-9]+)")]
    private static partial Regex Session();
}
