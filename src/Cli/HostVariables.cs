using System.Collections;
using System.Collections.Frozen;
using System.Runtime.CompilerServices;

namespace Kimg.Cli;

/// <summary>The environment's variables, under the names that they have on Linux.</summary>
internal static class HostVariables
{
    public static FrozenDictionary<string, string> Read()
    {
        var variables = new Dictionary<string, string>(OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables()) variables[(string)entry.Key] = (string?)entry.Value ?? "";
        if (OperatingSystem.IsWindows()) AddLinuxNames(variables);
        return variables.ToFrozenDictionary(variables.Comparer);
    }

    /// <summary>The user's directories have other names on Windows.</summary>
    internal static void AddLinuxNames(Dictionary<string, string> variables)
    {
        if (variables.GetValueOrDefault("USERPROFILE") is { Length: > 0 } home) variables.TryAdd("HOME", home);
        if (variables.GetValueOrDefault("LOCALAPPDATA") is { Length: > 0 } data) variables.TryAdd("XDG_DATA_HOME", data);
    }

    /// <summary>KIMG_TEST_WITHOUT=native: managed code takes the way of other systems. The engine asks at its first use.</summary>
    public static void SelectImplementations()
    {
        if (!RuntimeFeature.IsDynamicCodeSupported || Environment.GetEnvironmentVariable("KIMG_TEST_WITHOUT") is not { } without) return;
        if (without.Split(',', StringSplitOptions.TrimEntries).Contains("native")) AppContext.SetSwitch("Kimg.WithoutNative", true);
    }
}
