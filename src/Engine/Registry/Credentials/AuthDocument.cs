using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry.Credentials;

/// <summary>What kimg reads of a credential file. Errors name the place, never the contents.</summary>
internal sealed record AuthDocument
{
    public ImmutableSortedDictionary<string, AuthEntry> Entries { get; init; } = ImmutableSortedDictionary<string, AuthEntry>.Empty;

    public ImmutableSortedDictionary<string, string> Helpers { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    public string? DefaultHelper { get; init; }

    /// <summary>The program (without <c>docker-credential-</c>) that keeps this registry's credentials.</summary>
    public string? HelperFor(string host) => Helpers.FirstOrDefault(helper => RegistryKey.Fit(helper.Key, host, null) > 0).Value ?? DefaultHelper;

    /// <param name="name">File or variable, for messages.</param>
    public static AuthDocument Parse(ReadOnlyMemory<byte> json, string name)
    {
        if (json.Span.StartsWith(Encoding.UTF8.Preamble)) json = json[3..];
        if (json.Span.Trim(" \t\r\n"u8).IsEmpty) return new AuthDocument();
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            JsonElement root = Object(document.RootElement, name, "the document");
            bool modern = root.TryGetProperty("auths", out JsonElement auths) || root.TryGetProperty("credHelpers", out _)
                || root.TryGetProperty("credsStore", out _) || !IsOldForm(root);
            return new AuthDocument
            {
                Entries = modern
                    ? auths.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null ? ImmutableSortedDictionary<string, AuthEntry>.Empty : ReadEntries(auths, name)
                    : ReadEntries(root, name),
                Helpers = root.TryGetProperty("credHelpers", out JsonElement helpers) && helpers.ValueKind != JsonValueKind.Null
                    ? Object(helpers, name, "credHelpers").EnumerateObject()
                        .ToImmutableSortedDictionary(
                            helper => helper.Name, helper => Text(helper.Value, name, "credHelpers." + helper.Name) ?? "", StringComparer.Ordinal)
                    : ImmutableSortedDictionary<string, string>.Empty,
                DefaultHelper = root.TryGetProperty("credsStore", out JsonElement store) && Text(store, name, "credsStore") is { Length: > 0 } program ? program : null,
            };
        }
        catch (JsonException e)
        {
            throw AuthFile.Invalid(name, $"not JSON, line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}");
        }
        catch (InvalidOperationException)
        {
            throw AuthFile.Invalid(name, "a name or a string in it is not text");
        }
        catch (ArgumentException)
        {
            throw AuthFile.Invalid(name, "a registry is there twice");
        }
    }

    // Before there was "auths", the document was the list itself (.dockercfg).
    private static bool IsOldForm(JsonElement root) => root.EnumerateObject().Any(property => property.Value.ValueKind == JsonValueKind.Object
        && (property.Value.TryGetProperty("auth", out _) || property.Value.TryGetProperty("username", out _)));

    private static ImmutableSortedDictionary<string, AuthEntry> ReadEntries(JsonElement list, string name) => Object(list, name, "auths").EnumerateObject()
        .ToImmutableSortedDictionary(entry => entry.Name, entry => ReadEntry(entry.Value, name, $"auths.{entry.Name}"), StringComparer.Ordinal);

    private static AuthEntry ReadEntry(JsonElement entry, string name, string place)
    {
        if (entry.ValueKind == JsonValueKind.Null) return new AuthEntry();
        Object(entry, name, place);
        string? Field(string field) => entry.TryGetProperty(field, out JsonElement value) ? Text(value, name, $"{place}.{field}") : null;
        string? user = Field("username"), password = Field("password");
        if (Field("auth") is { Length: > 0 } auth)
        {
            var bytes = new byte[auth.Length];
            if (!Convert.TryFromBase64String(auth, bytes, out int length)) throw AuthFile.Invalid(name, $"{place}.auth is not base64");
            if (Encoding.UTF8.GetString(bytes, 0, length).TrimEnd('\0').Split(':', 2) is not [var before, var after])
                throw AuthFile.Invalid(name, $"{place}.auth has no colon between name and password");
            (user, password) = (before, after);
        }

        return new AuthEntry(user, Secret(password), Secret(Field("identitytoken")), Secret(Field("registrytoken")));
    }

    private static Secret? Secret(string? text) => string.IsNullOrEmpty(text) ? null : new Secret(text);

    private static JsonElement Object(JsonElement value, string name, string place) =>
        value.ValueKind == JsonValueKind.Object ? value : throw AuthFile.Invalid(name, $"{place} is not an object");

    private static string? Text(JsonElement value, string name, string place) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Null => null,
        _ => throw AuthFile.Invalid(name, $"{place} is not a string"),
    };
}

internal sealed record AuthEntry(string? User = null, Secret? Password = null, Secret? IdentityToken = null, Secret? RegistryToken = null)
{
    // Docker leaves an empty entry for a registry whose secret a helper keeps.
    public bool IsEmpty => Password is null && IdentityToken is null && RegistryToken is null;

    public Credential ToCredential(string file, string key)
    {
        if (Password is null && IdentityToken is null)
        {
            throw new KimgException(ErrorCode.UnsupportedFeature, $"the entry '{key}' in '{file}' has nothing but a registrytoken, which kimg does not use")
            {
                Hint = "log in with name and password or an identity token",
            };
        }

        return new Credential(User ?? "", Password ?? new Secret(""), IdentityToken) { Source = file };
    }
}
