using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Kimg.Cli.CommandLine;
using Kimg.Cli.Facade;
using Kimg.Cli.Options;
using Kimg.Engine.Build;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Row = Kimg.Cli.Options.BuildOptionRows;

namespace Kimg.Cli.Kaniko;

/// <summary>Arguments of <c>kimg kaniko</c> → <see cref="KanikoBuild"/>: first those of <c>kimg build</c>, then what that has no option for.</summary>
internal sealed class KanikoParser(Arguments arguments, CliHost host)
{
    private const string GitAuthorization = "KIMG_GIT_AUTHORIZATION";

    /// <summary>The user's git credentials reach the engine as a variable, which is where secrets come from.</summary>
    private string? _gitAuthorization;

    /// <summary>What stood in the address of the context.</summary>
    private GitLogin? _login;

    private bool IsKimia => arguments.Flag(KanikoFlags.Kimia);

    public static KanikoBuild Parse(Arguments arguments, CliHost host) =>
        new KanikoParser(arguments.Flag(KanikoFlags.Kimia) ? arguments : KanikoVariables.Apply(arguments, host), host).Parse();

    private KanikoBuild Parse()
    {
        KanikoFlags.Refuse(arguments);
        ImmutableArray<ImageReference> names = [.. Values("destination").Select(ImageReference.Parse)];
        bool push = !Flag("no-push");
        if (push && names.IsEmpty)
        {
            throw new KimgException(ErrorCode.InvalidArgument, "there is no name to push to")
            {
                Hint = "give --destination REGISTRY/NAME:TAG, or --no-push",
            };
        }

        if (names.IsEmpty && (Value("image-name-with-digest-file") ?? Value("image-name-tag-with-digest-file")) is not null)
            throw new KimgException(ErrorCode.InvalidArgument, "a file of image names needs --destination");
        ContextSource context = Context();
        BuildRequest request = WithCache(BuildRequestParser.Parse(BuildArguments(push), host, context, Dockerfile(context), SubPath(context))) with
        {
            Secrets = [.. Values("secret").Select(t => SecretParser.ParseSecret(t, host)), .. GitSecret(context)],
            SourceDateEpoch = Epoch(),
        };
        return new KanikoBuild(request, EngineOf(names))
        {
            DigestFile = FileOf("digest-file"),
            NameDigestFile = FileOf("image-name-with-digest-file"),
            NameTagDigestFile = FileOf("image-name-tag-with-digest-file"),
            Progress = Progress(),
            Timestamps = Flag("log-timestamp"),
        };
    }

    private string? Value(string name) => arguments.Value(KanikoFlags.Row(name)) is { Length: > 0 } value ? value : null;

    private ImmutableArray<string> Values(string name) => arguments.Values(KanikoFlags.Row(name));

    private bool Flag(string name) => arguments.Flag(KanikoFlags.Row(name));

    private string? FileOf(string name) => Value(name) is { } path ? Path.GetFullPath(path, host.CurrentDirectory) : null;

    private static OptionSource Source(string name, string text) => new("--" + name, text);

    // Everything that kimg build has an option for, as if it had been given to that.
    private Arguments BuildArguments(bool push)
    {
        var values = new Dictionary<string, ImmutableArray<string>>(StringComparer.Ordinal)
        {
            [Row.Tag.Name] = Values("destination"),
            [Row.BuildArg.Name] = Values("build-arg"),
            [Row.Label.Name] = Values("label"),
            [Row.Annotation.Name] = Values("annotation"),
            [Row.Output.Name] = [.. Outputs(push)],
        };
        if ((Value("custom-platform") ?? Value("customPlatform")) is { } platform) values[Row.Platforms.Name] = [platform];
        string[] targets = [.. Values("target").SelectMany(t => t.Split(','))];
        if (targets.Length > 1)
        {
            throw new KimgException(ErrorCode.UnsupportedFeature, "only one --target is supported")
            {
                Hint = "make the others needed by the first one, or run kimg once for each",
            };
        }

        if (targets is [{ Length: > 0 } target]) values[Row.Target.Name] = [target];
        return new Arguments([], values, Settings.Load(host, BuildVerbOptions));
    }

    private static ImmutableArray<OptionRow> BuildVerbOptions => [.. Row.All, .. GlobalOptions.All];

    private IEnumerable<string> Outputs(bool push)
    {
        string format = Value("image-format") switch
        {
            null or "oci" => "",
            "docker" => ",oci-mediatypes=false",
            var other => throw Source("image-format", other).Invalid("unknown format", "oci or docker"),
        };
        string? compression = Value("compression");
        if (compression is not (null or "gzip" or "zstd")) throw Source("compression", compression).Invalid("unknown compression", "gzip or zstd");
        if (Value("compression-level") is { } text) RefuseLevel(text, compression ?? "gzip");
        string layers = (compression is null ? "" : ",compression=" + compression)
            + (Value("compression-level") is { } level && level != "-1" ? ",compression-level=" + level : "");
        if (compression == "zstd" && (format.Length > 0 || Tar is not null))
        {
            throw new KimgException(ErrorCode.InvalidArgument, "docker images have no zstd layers")
            {
                Hint = "leave out --image-format=docker and --tar-path; --oci-layout-path writes an OCI layout",
            };
        }

        yield return $"type=image,push={(push ? "true" : "false")}{format}{layers}";
        if (Tar is { } tar) yield return Field("type=docker", "dest", tar, layers);
        if (Value("oci-layout-path") is { } layout) yield return Field("type=oci,tar=false", "dest", layout, layers);
    }

    private static void RefuseLevel(string text, string compression)
    {
        int most = compression == "zstd" ? 22 : 9;
        bool valid = int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int level) && level >= -1 && level <= most;
        if (!valid) throw Source("compression-level", text).Invalid("it is no level", $"-1 to {most} for {compression}");
    }

    private string? Tar => Value("tar-path") ?? Value("tarPath");

    private static string Field(string head, string key, string value, string tail) => $"{head},\"{key}={value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"{tail}";

    private ContextSource Context()
    {
        string text = Value("context") ?? "/workspace/";
        string method = host.Variable("GIT_PULL_METHOD") switch
        {
            null or "" or "https" => "https",
            "http" => "http",
            var other => throw new OptionSource("GIT_PULL_METHOD", other).Invalid("unknown method", "https or http"),
        };
        if (!IsKimia) return KanikoContext.Parse(text, Git(text), method, host);
        (ContextSource context, _login) = KimiaContext.Parse(text, Git(text), method, host);
        return context;
    }

    private KanikoGit? Git(string context)
    {
        // go-git, which Kaniko has, only fetches submodules when it is told to.
        bool? submodules = context.StartsWith("git://", StringComparison.Ordinal) && !IsKimia ? false : null;
        string? branch = Value("git-branch"), revision = Value("git-revision");
        foreach (string text in Values("git").SelectMany(t => t.Split(',')))
        {
            int equals = text.IndexOf('=');
            if (equals <= 0) throw Source("git", text).Invalid("it is not KEY=VALUE");
            (string key, string value) = (text[..equals], text[(equals + 1)..]);
            switch (key)
            {
                case "branch": branch = value.Length == 0 ? branch : value; break;
                case "recurse-submodules": submodules = Arguments.ParseBoolean("--git recurse-submodules", value); break;
                case "single-branch": Arguments.ParseBoolean("--git single-branch", value); break;
                case "depth" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out _): break;
                case "insecure-skip-tls" when !Arguments.ParseBoolean("--git insecure-skip-tls", value): break;
                case "insecure-skip-tls":
                    throw new KimgException(ErrorCode.UnsupportedFeature, "--git insecure-skip-tls=true is not supported")
                    {
                        Hint = "let git trust the authority: GIT_SSL_CAINFO=FILE",
                    };
                default: throw Source("git", text).Invalid("unknown key or value", "branch, single-branch, depth, recurse-submodules, insecure-skip-tls");
            }
        }

        return branch is null && revision is null && submodules is null ? null : new KanikoGit(branch, revision, submodules);
    }

    // Only for the context's host.
    private IEnumerable<SecretSource> GitSecret(ContextSource context)
    {
        if (context is not GitContext git || !Uri.TryCreate(git.Url, UriKind.Absolute, out Uri? uri) || Login() is not { } login) yield break;
        _gitAuthorization = "basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{login.User}:{login.Password.Reveal()}"));
        yield return new SecretSource("GIT_AUTH_HEADER." + uri.Authority, null, GitAuthorization);
    }

    // Kimia's flag, what its address holds, or Kaniko's variables with their meaning: a token is a name without a password, which is what git servers get from there.
    private GitLogin? Login()
    {
        if (FileOf("git-token-file") is { } file) return new GitLogin(Value("git-token-user") ?? "oauth2", new Secret(ReadToken(file)));
        if (IsKimia) return _login;
        if (host.Variable("GIT_TOKEN") is { Length: > 0 } token) return new GitLogin(token, new Secret(""));
        (string user, string password) = (host.Variable("GIT_USERNAME") ?? "", host.Variable("GIT_PASSWORD") ?? "");
        return user.Length + password.Length > 0 ? new GitLogin(user, new Secret(password)) : null;
    }

    private static string ReadToken(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new KimgException(ErrorCode.InvalidSecret, $"cannot read the token in '{file}'", e);
        }
    }

    private string? Dockerfile(ContextSource context)
    {
        if (Value("dockerfile") is not { } file) return null;
        if (file.StartsWith("http://", StringComparison.Ordinal) || file.StartsWith("https://", StringComparison.Ordinal))
        {
            throw new KimgException(ErrorCode.UnsupportedFeature, $"a Dockerfile is not downloaded ('{file}')")
            {
                Hint = $"put it into the context, or: curl -fsSL {file} | kimg build -f - …",
            };
        }

        string here = Path.GetFullPath(file, host.CurrentDirectory);
        if (context is not DirectoryContext directory) return file;
        return File.Exists(here) ? here : Path.GetFullPath(file, Path.Combine(directory.Path, Value("context-sub-path") ?? ""));
    }

    private string? SubPath(ContextSource context)
    {
        if (Value("context-sub-path") is not { } below || context is EmptyContext) return null;
        string full = Path.GetFullPath(below.TrimStart('/'), "/context");
        return full == "/context" || full.StartsWith("/context/", StringComparison.Ordinal) ? below : throw Source("context-sub-path", below).Invalid("it is not below the context");
    }

    private BuildRequest WithCache(BuildRequest request)
    {
        string? repository = Value("cache-repo") is { } text && text.StartsWith("oci:", StringComparison.Ordinal)
            ? "oci:" + Path.GetFullPath(text[4..], host.CurrentDirectory) : Value("cache-repo");
        var cache = new KanikoCache(repository, FileOf("cache-dir"));
        if (Value("cache-ttl") is { } age) cache = cache with { TimeToLive = Durations.Parse(Source("cache-ttl", age), age) };
        BuildRequest cached = Flag("cache") ? cache.ApplyTo(request) : request;
        return request with
        {
            CacheFrom = [.. cached.CacheFrom, .. Values("import-cache").Select(t => CacheParser.ParseSource(t, host))],
            CacheTo = [.. Flag("no-push-cache") ? [] : cached.CacheTo, .. Values("export-cache").Select(t => CacheParser.ParseDestination(t, host))],
        };
    }

    private long? Epoch()
    {
        if (!Flag("reproducible") && Value("timestamp") is null) return SecondsOf("SOURCE_DATE_EPOCH", host.Variable("SOURCE_DATE_EPOCH"));
        return SecondsOf("--timestamp", Value("timestamp")) ?? SecondsOf("SOURCE_DATE_EPOCH", host.Variable("SOURCE_DATE_EPOCH")) ?? 0;
    }

    private static long? SecondsOf(string spelling, string? text)
    {
        if (string.IsNullOrEmpty(text)) return null;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long seconds)
            ? seconds
            : throw new OptionSource(spelling, text).Invalid("it is not a number", "it is seconds since 1970");
    }

    private EngineOptions EngineOf(ImmutableArray<ImageReference> names)
    {
        var none = new Arguments([], new Dictionary<string, ImmutableArray<string>>(), Settings.Load(host, BuildVerbOptions));
        EngineOptions configured = EngineOptionRows.Read(none, host);
        string? state = FileOf("kaniko-dir");
        IEnumerable<string> insecure = [.. Values("insecure-registry"), .. Values("skip-tls-verify-registry")];
        if (Flag("insecure") || Flag("skip-tls-verify")) insecure = insecure.Concat(names.Select(n => n.Registry));
        return configured with
        {
            StateDirectory = state is null ? configured.StateDirectory : Path.Combine(state, "kimg"),
            StorageDriver = Value("storage-driver") switch
            {
                null => configured.StorageDriver,
                "native" or "vfs" => "native",
                "overlay" => "overlay",
                var other => throw Source("storage-driver", other).Invalid("unknown driver", "native or overlay"),
            },
            InsecureRegistries = [.. configured.InsecureRegistries, .. insecure.SelectMany(t => t.Split(',')).Distinct()],
            Mirrors = [.. configured.Mirrors, .. Mirrors()],
            Certificates = [.. Certificates()],
            Attempts = Attempts(),
            Variables = _gitAuthorization is { } value ? configured.Variables.SetItem(GitAuthorization, value) : configured.Variables,
        };
    }

    private IEnumerable<(string Registry, string Mirror)> Mirrors()
    {
        foreach (string mirror in Values("registry-mirror").SelectMany(t => t.Split(','))) yield return (ImageReference.DockerHub, mirror);
        foreach (string text in Values("registry-map").SelectMany(t => t.Split(';', StringSplitOptions.RemoveEmptyEntries)))
        {
            int equals = text.IndexOf('=');
            if (equals <= 0 || equals == text.Length - 1) throw Source("registry-map", text).Invalid("it is not REGISTRY=MIRROR");
            string registry = text[..equals];
            yield return (registry is "index.docker.io" or "registry-1.docker.io" ? ImageReference.DockerHub : registry, text[(equals + 1)..]);
        }
    }

    private IEnumerable<RegistryCertificate> Certificates()
    {
        foreach (string text in Values("registry-certificate"))
        {
            int equals = text.IndexOf('=');
            yield return equals < 0
                ? new RegistryCertificate("", Existing("registry-certificate", text, Directory.Exists), null, null)
                : new RegistryCertificate(text[..equals], Existing("registry-certificate", text[(equals + 1)..], File.Exists), null, null);
        }

        foreach (string text in Values("registry-client-cert"))
        {
            int equals = text.IndexOf('='), comma = text.IndexOf(',');
            if (equals <= 0 || comma < equals) throw Source("registry-client-cert", text).Invalid("it is not HOST=CERT,KEY");
            yield return new RegistryCertificate(
                text[..equals],
                null,
                Existing("registry-client-cert", text[(equals + 1)..comma], File.Exists),
                Existing("registry-client-cert", text[(comma + 1)..], File.Exists));
        }
    }

    private string Existing(string name, string path, Func<string, bool> exists)
    {
        string full = Path.GetFullPath(path, host.CurrentDirectory);
        return exists(full) ? full : throw Source(name, path).Invalid($"there is no '{full}'");
    }

    private int? Attempts()
    {
        int most = 0;
        foreach (string name in new[] { "push-retry", "image-download-retry", "image-fs-extract-retry" })
        {
            if (Value(name) is not { } text) continue;
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int retries)) throw Source(name, text).Invalid("it is not a count");
            most = Math.Max(most, Math.Min(retries, 100) + 1);
        }

        return most > 0 ? most : null;
    }

    private string Progress() => (Value("verbosity") ?? "info", arguments.Value(GlobalOptions.LogFormat)) switch
    {
        ("warn" or "error" or "fatal" or "panic", _) => "none",
        ("trace" or "debug" or "info", "json") => "rawjson",
        ("trace" or "debug" or "info", _) => "plain",
        (var level, _) => throw Source("verbosity", level).Invalid("unknown level", "trace, debug, info, warn, error, fatal, panic"),
    };
}
