using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry.Credentials;

/// <summary>One file of credentials: Docker's <c>config.json</c> and <c>.dockercfg</c>, containers' <c>auth.json</c>, Kubernetes' secrets, or the same
/// text from a variable. Read when it is first asked; not there is no error, malformed is.</summary>
internal sealed class AuthFile : ICredentialSource
{
    private const int MaxSize = 4 << 20;
    private readonly HelperProgram _helpers;
    private readonly Lazy<AuthDocument?> _document;

    public AuthFile(string path, HelperProgram helpers)
    {
        (Name, _helpers) = (path, helpers);
        _document = new Lazy<AuthDocument?>(() => Read(path) is { } bytes ? AuthDocument.Parse(bytes, path) : null);
    }

    /// <param name="name">The variable that holds the text.</param>
    public AuthFile(string name, string text, HelperProgram helpers)
    {
        (Name, _helpers) = (name, helpers);
        _document = new Lazy<AuthDocument?>(() => AuthDocument.Parse(Encoding.UTF8.GetBytes(text), name));
    }

    public string Name { get; }

    public Task<Credential?> FindAsync(string registryHost, CancellationToken cancellationToken) => FindAsync(registryHost, null, cancellationToken);

    /// <summary>The registry's own helper, else the default helper, else what the file itself holds.</summary>
    public async Task<Credential?> FindAsync(string registryHost, string? repository, CancellationToken cancellationToken)
    {
        if (_document.Value is not { } document) return null;
        if (document.HelperFor(registryHost) is { } helper && await _helpers.GetAsync(helper, registryHost, Name, cancellationToken) is { } kept) return kept;
        (string Key, AuthEntry Entry)? best = document.Entries
            .Select(entry => (entry.Key, entry.Value, Fit: RegistryKey.Fit(entry.Key, registryHost, repository)))
            .Where(entry => entry.Fit > 0)
            .OrderByDescending(entry => entry.Fit).ThenByDescending(entry => entry.Key == registryHost)
            .Select(entry => ((string, AuthEntry)?)(entry.Key, entry.Value))
            .FirstOrDefault(entry => entry?.Item2.IsEmpty == false);
        return best?.Entry.ToCredential(Name, best.Value.Key);
    }

    private static byte[]? Read(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            if (file.Length > MaxSize) throw Invalid(path, "it is too big");
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new KimgException(ErrorCode.InvalidConfigurationFile, $"cannot read the credentials in '{path}'", e)
            {
                Hint = "make the file readable for the user that runs kimg, or remove it",
            };
        }
    }

    internal static KimgException Invalid(string name, string why) =>
        new(ErrorCode.InvalidConfigurationFile, $"the credentials in '{name}' are malformed: {why}")
        {
            Hint = "correct or remove it; kimg login writes a new one",
        };
}
