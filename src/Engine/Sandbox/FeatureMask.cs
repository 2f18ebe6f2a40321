using System.Text.Json.Serialization;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sandbox;

/// <summary>Host features that kimg does without although they may be there, so that tests can take every fallback (KIMG_TEST_WITHOUT).</summary>
[Flags]
[JsonConverter(typeof(JsonStringEnumConverter<FeatureMask>))]
public enum FeatureMask
{
    None = 0,
    Root = 1,
    UserNamespace = 2,
    IdMapPrograms = 4,
    Overlay = 8,
    FsOpen = 16,
    MountSetattr = 64,
    Fuse = 128,
    Cgroup = 256,
    Binfmt = 512,
    Seccomp = 1024,
    CloseRange = 2048,

    /// <summary>Everything of Linux: how kimg works on other systems. Only managed code can do without it, and has to be told before it starts.</summary>
    Native = 4096,
}

public static class FeatureMasks
{
    /// <summary>The words of KIMG_TEST_WITHOUT.</summary>
    private static readonly Dictionary<string, FeatureMask> s_words = new(StringComparer.Ordinal)
    {
        ["root"] = FeatureMask.Root,
        ["userns"] = FeatureMask.UserNamespace,
        ["newuidmap"] = FeatureMask.IdMapPrograms,
        ["overlay"] = FeatureMask.Overlay,
        ["fsopen"] = FeatureMask.FsOpen,
        ["mount_setattr"] = FeatureMask.MountSetattr,
        ["fuse"] = FeatureMask.Fuse,
        ["cgroup"] = FeatureMask.Cgroup,
        ["binfmt"] = FeatureMask.Binfmt,
        ["seccomp"] = FeatureMask.Seccomp,
        ["close_range"] = FeatureMask.CloseRange,
        ["native"] = FeatureMask.Native,
    };

    /// <summary>Parses a comma-separated list; null or empty is <see cref="FeatureMask.None"/>.</summary>
    public static FeatureMask Parse(string? list)
    {
        FeatureMask mask = FeatureMask.None;
        foreach (string word in (list ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            mask |= s_words.TryGetValue(word, out FeatureMask feature)
                ? feature
                : throw new KimgException(ErrorCode.InvalidArgument, $"unknown host feature '{word}'") { Hint = "known are: " + string.Join(", ", s_words.Keys) };
        }

        return mask;
    }
}
