using Kimg.Engine.Build;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Options;

/// <summary>The context argument and the values of --build-context.</summary>
internal static class ContextParser
{
    /// <summary>A directory wins over a URL of the same spelling, as in docker.</summary>
    public static ContextSource Parse(string text, string currentDirectory)
    {
        string path = Path.GetFullPath(text.Length == 0 ? "." : text, currentDirectory);
        if (Directory.Exists(path)) return new DirectoryContext(path);
        if (Remote(text) is { } remote) return remote;
        if (File.Exists(path))
        {
            throw new KimgException(ErrorCode.ContextNotFound, $"the context '{text}' is a file, not a directory")
            {
                Hint = "a Dockerfile is given with --file; a tar is given on stdin: kimg build - < context.tar",
            };
        }

        throw new KimgException(ErrorCode.ContextNotFound, $"there is no context directory '{text}'") { Hint = $"looked for '{path}'" };
    }

    /// <summary>--build-context NAME=VALUE.</summary>
    public static (string Name, ContextSource Source) ParseNamed(string text, string currentDirectory)
    {
        var source = new OptionSource("--build-context", text);
        int equals = text.IndexOf('=');
        if (equals <= 0 || equals == text.Length - 1) throw source.Invalid("it is not NAME=VALUE", "for example assets=../assets");
        string name = text[..equals], value = text[(equals + 1)..];
        ImageReference.Parse(name.Split("::")[0]);
        return (name, Named(source, value, currentDirectory));
    }

    private static ContextSource Named(OptionSource source, string value, string currentDirectory)
    {
        if (After(value, "docker-image://") is { } image) return new ImageContext(ImageReference.Parse(image));
        if (After(value, "oci-layout://") is { } layout) return Layout(source, layout, currentDirectory);
        if (value.StartsWith("target:", StringComparison.Ordinal))
            throw source.Invalid("target: names a target of a bake file", "build the target to an OCI layout first and use oci-layout://");
        return value == "-" ? throw source.Invalid("stdin can only be the main context") : Parse(value, currentDirectory);
    }

    private static OciLayoutContext Layout(OptionSource source, string text, string currentDirectory)
    {
        Digest? digest = null;
        string? tag = null;
        int at = text.LastIndexOf('@');
        if (at >= 0)
        {
            digest = Digest.Parse(text.AsSpan(at + 1));
            text = text[..at];
        }

        int colon = text.LastIndexOf(':');
        if (colon > text.LastIndexOfAny(['/', '\\'])) (text, tag) = (text[..colon], text[(colon + 1)..]);
        string path = Path.GetFullPath(text, currentDirectory);
        if (!File.Exists(Path.Combine(path, "oci-layout")))
            throw source.Invalid($"'{path}' is no OCI layout", "the directory must hold a file named oci-layout");
        return new OciLayoutContext(path, tag, digest);
    }

    /// <summary>docker's rules: what ends in .git, has git's own scheme, is host:path or github.com/… is a repository; other http(s) is a
    /// download.</summary>
    private static ContextSource? Remote(string text)
    {
        bool http = text.StartsWith("http://", StringComparison.Ordinal) || text.StartsWith("https://", StringComparison.Ordinal);
        string bare = text.Split('#', '?')[0];
        if (http) return bare.EndsWith(".git", StringComparison.Ordinal) ? new GitContext(text) : new HttpContext(text);
        if (text.StartsWith("git://", StringComparison.Ordinal) || text.StartsWith("ssh://", StringComparison.Ordinal)) return new GitContext(text);
        if (text.StartsWith("github.com/", StringComparison.Ordinal)) return new GitContext(text);
        int at = bare.IndexOf('@'), colon = bare.IndexOf(':');
        bool scp = at > 0 && colon > at + 1 && colon < bare.Length - 1 && !bare[..colon].Contains('/');
        return scp ? new GitContext(text) : null;
    }

    private static string? After(string text, string prefix) => text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : null;
}
