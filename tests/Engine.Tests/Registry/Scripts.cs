using System.Collections.Immutable;
using System.Text;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.TestKit;

namespace Kimg.Engine.Tests.Registry;

/// <summary>Pieces of what scripted registries say in these tests.</summary>
internal static class Scripts
{
    public static readonly byte[] ManifestBytes = Encoding.UTF8.GetBytes(
        $$"""
        {"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}",
        "config":{"mediaType":"{{MediaTypes.OciConfig}}","digest":"{{Digest.Sha256("{}")}}","size":2},"layers":[]}
        """);

    public static readonly Digest ManifestDigest = Digest.Sha256(ManifestBytes);

    public static ScriptedAnswer Manifest { get; } = new(
        200, ManifestBytes, ("Content-Type", MediaTypes.OciManifest), ("Docker-Content-Digest", ManifestDigest.ToString()));

    public static ScriptedAnswer NotFound { get; } =
        new(404, """{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}""", ("Content-Type", "application/json"));

    /// <summary>Retries without waiting; private state of one test.</summary>
    public static RegistryOptions Options { get; } = new() { RetryBaseDelay = TimeSpan.FromMilliseconds(1) };

    public static RegistryOptions With(string user, string password, string? identity = null) => Options with
    {
        Credentials = new FixedCredentials(new Credential(user, new Secret(password), identity is null ? null : new Secret(identity)) { Source = "the test" }),
    };

    public static ImageReference Name(this ScriptedServer server, string rest = "app:1") => ImageReference.Parse($"{server.Host}/{rest}");

    public static ScriptedAnswer Bearer(ScriptedServer realm, string path = "/token", string extra = "") =>
        new(401, "", ("WWW-Authenticate", $"Bearer realm=\"http://{realm.Host}{path}\",service=\"test\"{extra}"));

    public static ScriptedAnswer Token(string token) => new(200, $$"""{"token":"{{token}}"}""");

    public static Descriptor Blob(byte[] bytes) =>
        new() { MediaType = MediaTypes.OciLayer, Digest = Digest.Sha256(bytes), Size = bytes.Length };

    public static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        new Random(7).NextBytes(bytes);
        return bytes;
    }

    public static RegistryOptions WithMirrors(this RegistryOptions options, string registry, params RegistryMirror[] mirrors) => options with
    {
        Mirrors = ImmutableDictionary<string, ImmutableArray<RegistryMirror>>.Empty.Add(registry, [.. mirrors]),
    };
}

/// <summary>One credential for every registry; remembers for which it was asked.</summary>
internal sealed class FixedCredentials(Credential? credential) : ICredentialSource
{
    public List<string> Asked { get; } = [];

    public string Name => "the test's credentials";

    public Task<Credential?> FindAsync(string registryHost, CancellationToken cancellationToken)
    {
        lock (Asked) Asked.Add(registryHost);
        return Task.FromResult(credential);
    }
}
