using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Kimg.TestKit;

/// <summary>Stand-ins for what keeps caches: S3 (path style), Azure's blob storage and the cache service of GitHub Actions. Signatures are computed here once more, from
/// the request as it arrived; without the right one there is no answer.</summary>
public sealed class ObjectServer : IDisposable
{
    public const string AccessKey = "AKIAEXAMPLE", SecretKey = "secret/with+signs", SessionToken = "session", Token = "runtime-token", BranchToken = Token + "@branch";

    public static readonly string AzureKey = Convert.ToBase64String(Encoding.UTF8.GetBytes("a key of the account"));

    private readonly ScriptedServer _server;
    private readonly ConcurrentDictionary<string, Dictionary<string, byte[]>> _blocks = new();
    private readonly ConcurrentDictionary<string, (string Key, long Order)> _entries = new();
    private readonly ConcurrentDictionary<string, byte> _reserved = new();
    private long _order;

    public ObjectServer() => _server = new ScriptedServer(Answer);

    /// <summary>Everything that was put, by path.</summary>
    public ConcurrentDictionary<string, byte[]> Objects { get; } = new();

    public ConcurrentDictionary<string, DateTimeOffset> Written { get; } = new();

    /// <summary>Called first; null: the ordinary answer.</summary>
    public Func<ScriptedRequest, ScriptedAnswer?>? Fault { get; set; }

    public string Url => $"http://{_server.Host}";

    public string Host => _server.Host;

    public IReadOnlyList<string> Lines => _server.Lines;

    public bool HasContainer { get; set; }

    /// <summary>Uploads in parts that were neither completed nor taken back.</summary>
    public int Unfinished => _blocks.Count;

    public void Dispose() => _server.Dispose();

    private ScriptedAnswer Answer(ScriptedRequest request)
    {
        if (Fault?.Invoke(request) is { } fault) return fault;
        string path = request.Path.Split('?')[0];
        if (path.Contains("/twirp/", StringComparison.Ordinal)) return GitHub(request, path[(path.LastIndexOf('/') + 1)..]);
        if (path.StartsWith("/signed/", StringComparison.Ordinal)) return request.Path.Contains("sig=ok", StringComparison.Ordinal) ? Azure(request, path) : new ScriptedAnswer(403);
        if (path.StartsWith("/account/", StringComparison.Ordinal))
        {
            string? problem = request.Path.Contains("sig=ok", StringComparison.Ordinal) || request.Authorization == "Bearer managed" ? null : AzureProblem(request);
            return problem is null ? Azure(request, path) : new ScriptedAnswer(403, $"<Error><Code>AuthenticationFailed</Code><Message>{problem}</Message></Error>");
        }

        return S3Problem(request) is { } wrong ? new ScriptedAnswer(403, $"<Error><Code>SignatureDoesNotMatch</Code><Message>{wrong}</Message></Error>") : S3(request, path);
    }

    private ScriptedAnswer S3(ScriptedRequest request, string path)
    {
        Dictionary<string, string> query = Query(request.Path);
        string id = query.GetValueOrDefault("uploadId", "");
        switch (request.Method)
        {
            case "POST" when query.ContainsKey("uploads"):
                id = $"{Interlocked.Increment(ref _order)}/of {path}";
                _blocks[id] = [];
                return new ScriptedAnswer(200, $"<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>");
            case "PUT" when request.Headers.GetValueOrDefault("x-amz-copy-source-range") is { } range:
                Written[Uri.UnescapeDataString("/" + request.Headers["x-amz-copy-source"])] = DateTimeOffset.UtcNow;
                _blocks[id][query["partNumber"]] = Encoding.ASCII.GetBytes(range);
                return new ScriptedAnswer(200, $"<CopyPartResult><ETag>&quot;{query["partNumber"]}&quot;</ETag></CopyPartResult>");
            case "PUT" when id.Length > 0:
                _blocks[id][query["partNumber"]] = request.Body;
                return new ScriptedAnswer(200, "", ("ETag", $"\"{query["partNumber"]}\""));
            case "POST" when _blocks.TryRemove(id, out Dictionary<string, byte[]>? parts):
                string[] tags = [.. request.Text.Split("<ETag>").Skip(1).Select(tag => tag.Split('<')[0].Replace("&quot;", "", StringComparison.Ordinal))];
                using (var whole = new MemoryStream())
                {
                    foreach (string tag in tags) whole.Write(parts[tag]);
                    Put(path, whole.ToArray());
                }

                return new ScriptedAnswer(200, "<CompleteMultipartUploadResult><ETag>&quot;whole&quot;</ETag></CompleteMultipartUploadResult>");
            case "DELETE":
                return new ScriptedAnswer(_blocks.TryRemove(id, out _) ? 204 : 404);
        }

        if (request.Method == "PUT" && request.Headers.GetValueOrDefault("x-amz-copy-source") is { } source)
        {
            Written["/" + source] = DateTimeOffset.UtcNow;
            return new ScriptedAnswer(200, "<CopyObjectResult/>");
        }

        return request.Method == "PUT" ? Put(path, request.Body) : Get(request, path);
    }

    private ScriptedAnswer Azure(ScriptedRequest request, string path)
    {
        Dictionary<string, string> query = Query(request.Path);
        if (query.GetValueOrDefault("restype") == "container")
        {
            HasContainer = true;
            return new ScriptedAnswer(201);
        }

        if (request.Method != "PUT") return Get(request, path);
        if (path.StartsWith("/account/", StringComparison.Ordinal) && !HasContainer) return new ScriptedAnswer(404, "<Error><Code>ContainerNotFound</Code><Message>no</Message></Error>");
        switch (query.GetValueOrDefault("comp"))
        {
            case "block":
                _blocks.GetOrAdd(path, _ => [])[query["blockid"]] = request.Body;
                return new ScriptedAnswer(201);
            case "blocklist":
                using (var whole = new MemoryStream())
                {
                    foreach (string part in request.Text.Split("<Latest>").Skip(1)) whole.Write(_blocks[path][part.Split('<')[0]]);
                    return Put(path, whole.ToArray(), 201);
                }

            default:
                return request.Headers.GetValueOrDefault("x-ms-blob-type") == "BlockBlob" ? Put(path, request.Body, 201) : new ScriptedAnswer(400, "no blob type");
        }
    }

    private ScriptedAnswer GitHub(ScriptedRequest request, string method)
    {
        // A job writes into the scope of its branch, and reads that of the base too.
        string[]? scopes = request.Authorization switch { "Bearer " + Token => [""], "Bearer " + BranchToken => ["@branch", ""], _ => null };
        if (scopes is null) return new ScriptedAnswer(401, """{"code":"unauthenticated","msg":"bad token"}""");
        JsonNode body = JsonNode.Parse(request.Body)!;
        string name = $"{body["version"]!.GetValue<string>()}/{body["key"]!.GetValue<string>()}", entry = name + scopes[0], path = "/signed/" + entry;
        switch (method)
        {
            case "CreateCacheEntry":
                if (!_reserved.TryAdd(entry, 0))
                    return new ScriptedAnswer(409, """{"code":"already_exists","msg":"cache entry with the same key, version, and scope already exists"}""");
                return Json(new JsonObject { ["ok"] = true, ["signed_upload_url"] = $"{Url}{path}?sig=ok&sv=2023-11-03" });
            case "FinalizeCacheEntryUpload":
                bool whole = Objects.TryGetValue(path, out byte[]? bytes) && bytes.Length.ToString(CultureInfo.InvariantCulture) == body["size_bytes"]!.GetValue<string>();
                if (whole) _entries[entry] = (entry, Interlocked.Increment(ref _order));
                return Json(new JsonObject { ["ok"] = whole, ["entry_id"] = "1" });
            case "GetCacheEntryDownloadURL":
                string[] prefixes = [.. (body["restore_keys"] as JsonArray ?? []).Select(k => $"{body["version"]!.GetValue<string>()}/{k!.GetValue<string>()}")];
                string? found = scopes.Select(scope => Newest(name, prefixes, scope)).FirstOrDefault(key => key is not null);
                if (found is null) return Json(new JsonObject { ["ok"] = false, ["signed_download_url"] = "", ["matched_key"] = "" });
                return Json(new JsonObject { ["ok"] = true, ["signed_download_url"] = $"{Url}/signed/{found}?sig=ok", ["matched_key"] = found.Split('/', 2)[1].Split('@')[0] });
            default:
                return new ScriptedAnswer(404, """{"code":"bad_route","msg":"no such method"}""");
        }
    }

    private string? Newest(string name, string[] prefixes, string scope)
    {
        if (_entries.ContainsKey(name + scope)) return name + scope;
        IEnumerable<(string Key, long Order)> inScope = _entries.Values.Where(e => (e.Key.Contains('@') ? "@branch" : "") == scope);
        IEnumerable<(string Key, long Order)> near = inScope.Where(e => prefixes.Any(p => e.Key.StartsWith(p, StringComparison.Ordinal)));
        return near.OrderByDescending(e => e.Order).Select(e => e.Key).FirstOrDefault();
    }

    private ScriptedAnswer Put(string path, byte[] bytes, int status = 200)
    {
        Objects[path] = bytes;
        Written[path] = DateTimeOffset.UtcNow;
        return new ScriptedAnswer(status);
    }

    private ScriptedAnswer Get(ScriptedRequest request, string path)
    {
        if (!Objects.TryGetValue(path, out byte[]? bytes)) return new ScriptedAnswer(404, "<Error><Code>NoSuchKey</Code><Message>none</Message></Error>");
        string written = Written[path].ToString("r", CultureInfo.InvariantCulture);
        if (request.Headers.GetValueOrDefault("Range") is not { } range)
            return new ScriptedAnswer(200, bytes, ("Last-Modified", written), ("Content-Length", $"{bytes.Length}"));
        string[] ends = range.Split('=')[1].Split('-');
        int start = int.Parse(ends[0], CultureInfo.InvariantCulture), end = bytes.Length - 1;
        if (ends[1].Length > 0) end = Math.Min(end, int.Parse(ends[1], CultureInfo.InvariantCulture));
        return new ScriptedAnswer(206, bytes[start..(end + 1)], ("Content-Range", $"bytes {start}-{end}/{bytes.Length}"));
    }

    private static ScriptedAnswer Json(JsonObject json) => new(200, json.ToJsonString(), ("Content-Type", "application/json"));

    private static Dictionary<string, string> Query(string path) => (path.Contains('?') ? path[(path.IndexOf('?') + 1)..] : "")
        .Split('&', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Split('=', 2))
        .ToDictionary(p => p[0], p => Uri.UnescapeDataString(p.ElementAtOrDefault(1) ?? ""));

    private static string? S3Problem(ScriptedRequest request)
    {
        if (request.Authorization is not { } authorization || !authorization.StartsWith("AWS4-HMAC-SHA256 ", StringComparison.Ordinal)) return "not signed";
        Dictionary<string, string> fields = authorization[17..].Split(", ").Select(f => f.Split('=', 2)).ToDictionary(f => f[0], f => f[1]);
        string[] scope = fields["Credential"].Split('/');
        if (scope[0] != AccessKey) return "unknown key " + scope[0];
        string payload = request.Headers["x-amz-content-sha256"];
        if (payload != Hex(SHA256.HashData(request.Body))) return "another body";
        string query = string.Join('&', (request.Path.Split('?', 2).ElementAtOrDefault(1) ?? "").Split('&').Order(StringComparer.Ordinal));
        string canonical = $"{request.Method}\n{request.Path.Split('?')[0]}\n{query}\n"
            + string.Concat(fields["SignedHeaders"].Split(';').Select(name => $"{name}:{request.Headers[name]}\n")) + $"\n{fields["SignedHeaders"]}\n{payload}";
        string text = $"AWS4-HMAC-SHA256\n{request.Headers["x-amz-date"]}\n{string.Join('/', scope[1..])}\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        byte[] key = scope[1..].Aggregate(Encoding.UTF8.GetBytes("AWS4" + SecretKey), (k, part) => HMACSHA256.HashData(k, Encoding.UTF8.GetBytes(part)));
        return Hex(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text))) == fields["Signature"] ? null : "another signature";
    }

    private static string? AzureProblem(ScriptedRequest request)
    {
        string H(string name) => request.Headers.GetValueOrDefault(name, "");
        string length = H("Content-Length") is "0" ? "" : H("Content-Length");
        IEnumerable<string> headers = request.Headers.Where(h => h.Key.StartsWith("x-ms-", StringComparison.OrdinalIgnoreCase))
            .Select(h => $"{h.Key.ToLowerInvariant()}:{h.Value}\n").Order(StringComparer.Ordinal);
        IEnumerable<string> query = Query(request.Path).OrderBy(q => q.Key, StringComparer.Ordinal).Select(q => $"\n{q.Key}:{q.Value}");
        string text = string.Join('\n', request.Method, "", "", length, "", H("Content-Type"), "", "", "", "", "", H("Range"), "")
            + string.Concat(headers) + "/account" + request.Path.Split('?')[0] + string.Concat(query);
        string expected = "SharedKey account:" + Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(AzureKey), Encoding.UTF8.GetBytes(text)));
        return request.Authorization == expected ? null : "the MAC signature is not the same";
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
