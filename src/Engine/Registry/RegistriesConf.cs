using System.Collections.Immutable;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry;

/// <summary>Reads containers-registries.conf(5), version 2: what podman, buildah and skopeo are told of registries and mirrors. Names without a registry are
/// docker.io's here whatever the file says, so what it says of those is passed over.</summary>
public static class RegistriesConf
{
    private const int MaxSize = 1 << 20;

    private static readonly string[] s_registryKeys = ["prefix", "location", "insecure", "blocked", "mirror-by-digest-only"];
    private static readonly string[] s_mirrorKeys = ["location", "insecure", "pull-from-mirror"];

    /// <summary>The files that count, in their order: <c>$CONTAINERS_REGISTRIES_CONF</c>, or the user's, or the machine's; then the drop-in directories.</summary>
    /// <param name="home">Null: none.</param>
    public static ImmutableArray<string> FindFiles(string? named, string? home, string root = "/etc/containers")
    {
        string? own = home is null ? null : Path.Combine(home, ".config", "containers");
        string?[] candidates = [named, own is null ? null : Path.Combine(own, "registries.conf"), Path.Combine(root, "registries.conf")];
        string? main = named ?? candidates.FirstOrDefault(File.Exists);
        string?[] directories = named is not null ? [] : [Path.Combine(root, "registries.conf.d"), own is null ? null : Path.Combine(own, "registries.conf.d")];
        return
        [
            .. main is null ? [] : new[] { main },
            .. directories.OfType<string>().Where(Directory.Exists)
                .SelectMany(directory => Directory.EnumerateFiles(directory, "*.conf").Order(StringComparer.Ordinal)),
        ];
    }

    /// <summary>All rules; a later file's replaces an earlier one's for the same prefix.</summary>
    /// <exception cref="KimgException">InvalidConfigurationFile, with file and line.</exception>
    public static ImmutableArray<RegistryRule> Load(IEnumerable<string> files)
    {
        var rules = new Dictionary<string, RegistryRule>(StringComparer.Ordinal);
        foreach (string file in files)
        {
            foreach (RegistryRule rule in Parse(ReadText(file), file)) rules[rule.Prefix] = rule;
        }

        return [.. rules.Values];
    }

    internal static IReadOnlyList<RegistryRule> Parse(string text, string file)
    {
        var rules = new List<RegistryRule>();
        bool byDigest = false;
        foreach (TomlTable table in TomlReader.Read(text, file))
        {
            switch (table.Name)
            {
                case "registry" when table.IsArray:
                    rules.Add(Registry(table, file));
                    byDigest = table.Boolean("mirror-by-digest-only");
                    break;
                case "registry.mirror" when table.IsArray && rules.Count > 0:
                    rules[^1] = rules[^1] with { Mirrors = rules[^1].Mirrors.Add(Mirror(table, byDigest)) };
                    break;
                case "registries.search" or "registries.insecure" or "registries.block":
                    throw table.Invalid("this is version 1 of the format", "write [[registry]] tables (containers-registries.conf(5), version 2)");
                case "" or "aliases" or "credential-helpers":
                    break; // of names without a registry, and of podman's helpers
                default:
                    throw table.Invalid($"unknown table '{table.Name}'", "known are [[registry]] and [[registry.mirror]]");
            }
        }

        return rules;
    }

    private static RegistryRule Registry(TomlTable table, string file)
    {
        table.Only(s_registryKeys);
        string? location = table.Text("location"), prefix = table.Text("prefix") ?? location;
        if (string.IsNullOrEmpty(prefix)) throw table.Invalid("a registry needs a prefix or a location", "write location = \"registry.example.com\"");
        if (location is null && prefix.StartsWith("*.", StringComparison.Ordinal)) location = "";
        return new RegistryRule(prefix.TrimEnd('/'))
        {
            Location = string.IsNullOrEmpty(location) || location == prefix ? null : location.TrimEnd('/'),
            Insecure = table.Boolean("insecure"),
            Blocked = table.Boolean("blocked"),
            Source = file,
        };
    }

    private static RegistryMirror Mirror(TomlTable table, bool byDigest)
    {
        table.Only(s_mirrorKeys);
        if (table.Text("location") is not { Length: > 0 } location) throw table.Invalid("a mirror needs a location", "write location = \"mirror.example.com\"");
        MirrorUse use = table.Text("pull-from-mirror") switch
        {
            null => byDigest ? MirrorUse.DigestOnly : MirrorUse.All,
            "all" => MirrorUse.All,
            "digest-only" => MirrorUse.DigestOnly,
            "tag-only" => MirrorUse.TagOnly,
            var other => throw table.Invalid($"pull-from-mirror is '{other}'", "it is all, digest-only or tag-only"),
        };
        return new RegistryMirror(location.TrimEnd('/'), table.Boolean("insecure"), use);
    }

    private static string ReadText(string file)
    {
        try
        {
            if (new FileInfo(file).Length > MaxSize) throw new KimgException(ErrorCode.InvalidConfigurationFile, $"'{file}' is larger than {MaxSize >> 20} MiB");
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new KimgException(ErrorCode.InvalidConfigurationFile, $"cannot read '{file}': {e.Message.TrimEnd('.')}", e);
        }
    }
}
