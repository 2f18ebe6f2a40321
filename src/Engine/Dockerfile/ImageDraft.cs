using System.Collections.Immutable;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>An image configuration while instructions change it.</summary>
internal sealed class ImageDraft
{
    private readonly Dictionary<string, int> _envIndex = [];
    private readonly List<string> _env = [];
    private ImageConfig _base;
    private ContainerConfig _config;
    private ImmutableSortedDictionary<string, string>.Builder? _labels;
    private ImmutableSortedDictionary<string, EmptyObject>.Builder? _ports, _volumes;

    public ImageDraft(ImageConfig image)
    {
        _base = image;
        _config = image.Config ?? new ContainerConfig();
        foreach (string entry in _config.Env ?? []) SetEnv(KeyOf(entry), ValueOf(entry));
        _labels = _config.Labels?.ToBuilder();
        _ports = _config.ExposedPorts?.ToBuilder();
        _volumes = _config.Volumes?.ToBuilder();
        OnBuild = [.. _config.OnBuild ?? []];
        History = [.. image.History ?? []];
    }

    /// <summary>The configuration of FROM scratch.</summary>
    public static ImageDraft Empty(Platform platform) => new(new ImageConfig
    {
        Architecture = platform.Architecture, Os = platform.Os, Variant = platform.Variant, OsVersion = platform.OsVersion,
        Config = new ContainerConfig { WorkingDir = "/", Env = [$"PATH={DefaultPath}"] },
    });

    public const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    public List<string> OnBuild { get; }

    public List<HistoryEntry> History { get; }

    public IReadOnlyList<string> Env => _env;

    /// <summary>What has no list of its own here: change it with <c>with</c>.</summary>
    public ContainerConfig Config
    {
        get => _config;
        set => _config = value;
    }

    public ImageConfig Document
    {
        get => _base;
        set => _base = value;
    }

    public ImmutableSortedDictionary<string, string>.Builder Labels => _labels ??= ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);

    public ImmutableSortedDictionary<string, EmptyObject>.Builder ExposedPorts =>
        _ports ??= ImmutableSortedDictionary.CreateBuilder<string, EmptyObject>(StringComparer.Ordinal);

    public ImmutableSortedDictionary<string, EmptyObject>.Builder Volumes =>
        _volumes ??= ImmutableSortedDictionary.CreateBuilder<string, EmptyObject>(StringComparer.Ordinal);

    public bool HasEnv(string key) => _envIndex.ContainsKey(key);

    /// <summary>Replaces a variable in its place, or appends it.</summary>
    public void SetEnv(string key, string value)
    {
        if (_envIndex.TryGetValue(key, out int index))
        {
            _env[index] = $"{key}={value}";
            return;
        }

        _envIndex[key] = _env.Count;
        _env.Add($"{key}={value}");
    }

    public ImageDraft Clone() => new(ToConfig());

    public ImageConfig ToConfig() => _base with
    {
        Created = null,
        Rootfs = null,
        History = [.. History],
        Config = _config with
        {
            Env = _env.Count > 0 ? [.. _env] : null,
            Labels = _labels?.ToImmutable().WithComparers(StringComparer.Ordinal),
            ExposedPorts = _ports?.ToImmutable().WithComparers(StringComparer.Ordinal),
            Volumes = _volumes?.ToImmutable().WithComparers(StringComparer.Ordinal),
            OnBuild = OnBuild.Count > 0 ? [.. OnBuild] : null,
            Cmd = _config.Cmd is { Length: > 0 } ? _config.Cmd : null,
            Entrypoint = _config.Entrypoint is { Length: > 0 } ? _config.Entrypoint : null,
        },
    };

    public static string KeyOf(string entry) => entry.IndexOf('=') is var equals and >= 0 ? entry[..equals] : entry;

    public static string ValueOf(string entry) => entry.IndexOf('=') is var equals and >= 0 ? entry[(equals + 1)..] : "";
}
