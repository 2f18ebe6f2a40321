using System.Collections.Frozen;
using System.Collections.Immutable;
using Kimg.Engine.Build;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry;
using Kimg.Engine.Registry.Credentials;

namespace Kimg.Cli.Facade;

/// <summary>Options and environment → <see cref="BuilderOptions"/>.</summary>
internal static class BuilderOptionsFactory
{
    private static readonly string[] s_certificateDirectories = ["/etc/docker/certs.d", "/etc/containers/certs.d"];

    public static BuilderOptions Create(EngineOptions options, FrozenDictionary<string, string> environment, TimeProvider time)
    {
        if (!options.Variables.IsEmpty)
            environment = environment.Where(e => !options.Variables.ContainsKey(e.Key)).Concat(options.Variables).ToFrozenDictionary(environment.Comparer);
        string? Variable(string name) => environment.GetValueOrDefault(name);
        return Create(options, Variable, time) with
        {
            Credentials = new CredentialOptions { Environment = environment, HomeDirectory = Given(Variable("HOME")), Time = time },
        };
    }

    private static BuilderOptions Create(EngineOptions options, Func<string, string?> variable, TimeProvider time) => new()
    {
        StateDirectory = options.StateDirectory ?? DefaultStateDirectory(variable),
        Isolation = options.Isolation ?? "auto",
        StorageDriver = options.StorageDriver ?? "auto",
        Emulators = options.Emulators.GroupBy(e => e.Architecture).ToImmutableSortedDictionary(group => group.Key, group => group.Last().Path, StringComparer.Ordinal),
        Collection = options.Collection,
        Without = Given(variable("KIMG_TEST_WITHOUT")) is { } masked ? [.. masked.Split(',', StringSplitOptions.TrimEntries)] : [],
        Registry = new RegistryOptions
        {
            Time = time,
            InsecureHosts = [.. options.InsecureRegistries],
            Mirrors = options.Mirrors.GroupBy(m => m.Registry).ToImmutableDictionary(
                group => group.Key,
                group => group.Select(m => new RegistryMirror(m.Mirror, options.InsecureRegistries.Contains(m.Mirror))).ToImmutableArray()),
            ConfigurationFiles = RegistriesConf.FindFiles(Given(variable("CONTAINERS_REGISTRIES_CONF")), Given(variable("HOME"))),
            SslCertFile = Given(variable("SSL_CERT_FILE")),
            SslCertDirectory = Given(variable("SSL_CERT_DIR")),
            Attempts = Math.Max(options.Attempts ?? 0, new RegistryOptions().Attempts),
            CertificateDirectories = [.. CertificateFolder.Of(options.Certificates), .. s_certificateDirectories, .. ConfigDirectory(variable)],
        },
        Environment = variable,
        Time = time,
    };

    /// <summary>Where a user's data belongs (XDG base directory specification).</summary>
    private static string DefaultStateDirectory(Func<string, string?> variable)
    {
        if (Given(variable("XDG_DATA_HOME")) is { } data && Path.IsPathRooted(data)) return Path.Combine(data, "kimg");
        if (Given(variable("HOME")) is { } home && Path.IsPathRooted(home)) return Path.Combine(home, ".local", "share", "kimg");
        throw new KimgException(ErrorCode.InvalidArgument, "there is no place for the state directory: neither XDG_DATA_HOME nor HOME is set")
        {
            Hint = "name one with --state-dir or KIMG_STATE_DIR",
        };
    }

    private static IEnumerable<string> ConfigDirectory(Func<string, string?> variable) =>
        Given(variable("HOME")) is { } home ? [Path.Combine(home, ".config", "containers", "certs.d")] : [];

    private static string? Given(string? value) => string.IsNullOrEmpty(value) ? null : value;
}
