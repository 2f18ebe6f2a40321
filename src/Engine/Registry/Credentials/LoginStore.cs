using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kimg.Engine.Content;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry.Credentials;

/// <summary>Writes what <c>kimg login</c> learns, where docker would: to the registry's credential helper when the file names one, else into
/// <c>$DOCKER_CONFIG/config.json</c>. Everything else in the file stays.</summary>
public sealed class LoginStore
{
    private readonly CredentialOptions _options;
    private readonly HelperProgram _helpers;

    public LoginStore(CredentialOptions options)
    {
        (_options, _helpers) = (options, new HelperProgram(options));
        Path = System.IO.Path.Combine(CredentialChain.DockerDirectory(options) ?? throw new KimgException(
            ErrorCode.InvalidArgument, "there is no home directory to keep credentials in") { Hint = "set DOCKER_CONFIG to a directory" }, "config.json");
    }

    /// <summary>The configuration file.</summary>
    public string Path { get; }

    /// <returns>The helper that keeps it; null when the secret now stands in the file, readable for whoever can read the file: tell the user.</returns>
    public async Task<string?> SaveAsync(string registry, Credential credential, CancellationToken cancellationToken)
    {
        string host = RegistryKey.Host(registry), key = RegistryKey.ServerAddress(host);
        (JsonObject root, AuthDocument document) = await ReadAsync(cancellationToken);
        string? helper = document.HelperFor(host);
        var entry = new JsonObject();
        if (helper is not null)
        {
            await _helpers.StoreAsync(helper, host, credential, Path, cancellationToken);
        }
        else
        {
            string password = credential.IdentityToken is null ? credential.Password.Reveal() : "";
            entry["auth"] = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{credential.Username}:{password}"));
            if (credential.IdentityToken is { } token) entry["identitytoken"] = token.Reveal();
        }

        Auths(root)[key] = entry;
        await WriteAsync(root, cancellationToken);
        return helper;
    }

    /// <returns>False when there was nothing to remove.</returns>
    public async Task<bool> RemoveAsync(string registry, CancellationToken cancellationToken)
    {
        string host = RegistryKey.Host(registry);
        (JsonObject root, AuthDocument document) = await ReadAsync(cancellationToken);
        string? helper = document.HelperFor(host);
        if (helper is not null) await _helpers.EraseAsync(helper, host, Path, cancellationToken);
        JsonObject auths = Auths(root);
        string[] keys = [.. auths.Select(entry => entry.Key).Where(key => RegistryKey.Fit(key, host, null) > 0)];
        foreach (string key in keys) auths.Remove(key);
        if (keys.Length > 0) await WriteAsync(root, cancellationToken);
        return keys.Length > 0 || helper is not null;
    }

    /// <summary>Removes everything that the file knows of.</summary>
    /// <returns>The registries.</returns>
    public async Task<ImmutableArray<string>> RemoveAllAsync(CancellationToken cancellationToken)
    {
        (JsonObject root, AuthDocument document) = await ReadAsync(cancellationToken);
        JsonObject auths = Auths(root);
        string[] hosts = [.. auths.Select(entry => RegistryKey.Host(entry.Key)).Distinct().Order(StringComparer.Ordinal)];
        foreach (string host in hosts)
        {
            if (document.HelperFor(host) is { } helper) await _helpers.EraseAsync(helper, host, Path, cancellationToken);
        }

        if (auths.Count == 0) return [];
        auths.Clear();
        await WriteAsync(root, cancellationToken);
        return [.. hosts];
    }

    private static JsonObject Auths(JsonObject root)
    {
        if (root["auths"] is JsonObject auths) return auths;
        root["auths"] = new JsonObject();
        return (JsonObject)root["auths"]!;
    }

    private async Task<(JsonObject Root, AuthDocument Document)> ReadAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(Path)) return ([], new AuthDocument());
        byte[] bytes = await File.ReadAllBytesAsync(Path, cancellationToken);
        AuthDocument document = AuthDocument.Parse(bytes, Path); // refuses what cannot be read, so that nothing of the user's is lost
        if (bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble)) bytes = bytes[3..];
        var lenient = new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
        return (bytes.AsSpan().Trim(" \t\r\n"u8).IsEmpty ? [] : JsonNode.Parse(bytes, documentOptions: lenient)!.AsObject(), document);
    }

    private async Task WriteAsync(JsonObject root, CancellationToken cancellationToken)
    {
        // A file that is a link (dotfiles in a repository) stays one.
        string target = (File.Exists(Path) ? File.ResolveLinkTarget(Path, returnFinalTarget: true)?.FullName : null) ?? Path;
        try
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(target)!);
            using WholeFile whole = WholeFile.CreateBeside(target);
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(whole.Handle, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            await using var file = new FileStream(whole.Handle, FileAccess.Write);
            await using (var json = new Utf8JsonWriter(file, new JsonWriterOptions { Indented = true, IndentCharacter = '\t', IndentSize = 1 })) root.WriteTo(json);
            file.Flush(flushToDisk: true);
            cancellationToken.ThrowIfCancellationRequested();
            whole.Commit();
        }
        catch (Exception e) when (StorageFailure.Is(e))
        {
            throw StorageFailure.From(e, target);
        }
    }
}
