using System.Collections;
using System.Collections.Frozen;
using System.Runtime.CompilerServices;

namespace Kimg.Cli;

/// <summary>The environment's variables, under the names that they have on Linux.</summary>
internal static class HostVariables
{
    public static FrozenDictionary<string, string> Read() => Read(
        Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(entry => KeyValuePair.Create((string)entry.Key, (string?)entry.Value ?? "")),
        OperatingSystem.IsWindows());

    /// <summary>On Windows case does not count, and the user's directories have other names.</summary>
    internal static FrozenDictionary<string, string> Read(IEnumerable<KeyValuePair<string, string>> variables, bool windows)
    {
        if (!windows) return variables.ToFrozenDictionary(StringComparer.Ordinal);
        var all = new Dictionary<string, string>(variables, StringComparer.OrdinalIgnoreCase);
        if (all.GetValueOrDefault("USERPROFILE") is { Length: > 0 } home) all.TryAdd("HOME", home);
        if (all.GetValueOrDefault("LOCALAPPDATA") is { Length: > 0 } data) all.TryAdd("XDG_DATA_HOME", data);
        return all.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>KIMG_TEST_WITHOUT=native: managed code takes the way of other systems. The engine asks at its first use.</summary>
    public static void SelectImplementations()
    {
        if (!RuntimeFeature.IsDynamicCodeSupported || Environment.GetEnvironmentVariable("KIMG_TEST_WITHOUT") is not { } without) return;
        if (without.Split(',', StringSplitOptions.TrimEntries).Contains("native")) AppContext.SetSwitch("Kimg.WithoutNative", true);
    }
}
