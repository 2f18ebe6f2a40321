using System.Text.Json;
using System.Text.Json.Nodes;
using Kimg.TestKit;

namespace Kimg.Fleets;

/// <summary>The default profile of Docker and containerd, resolved for a container's capabilities as they do it.</summary>
internal static class SeccompProfile
{
    public static JsonObject For(string[] capabilities)
    {
        using JsonDocument profile = JsonDocument.Parse(File.ReadAllText(RepositoryFiles.Path("tests/Fleets/schemas/seccomp-default.json")));
        var rules = new JsonArray();
        foreach (JsonElement rule in profile.RootElement.GetProperty("syscalls").EnumerateArray())
        {
            if (!Applies(rule, capabilities)) continue;
            var copy = new JsonObject { ["names"] = JsonNode.Parse(rule.GetProperty("names").GetRawText()), ["action"] = rule.GetProperty("action").GetString() };
            if (rule.TryGetProperty("args", out JsonElement arguments) && arguments.ValueKind == JsonValueKind.Array && arguments.GetArrayLength() > 0)
                copy["args"] = JsonNode.Parse(arguments.GetRawText());
            if (rule.TryGetProperty("errnoRet", out JsonElement errno)) copy["errnoRet"] = errno.GetInt32();
            rules.Add(copy);
        }

        return new JsonObject
        {
            ["defaultAction"] = profile.RootElement.GetProperty("defaultAction").GetString(),
            ["defaultErrnoRet"] = profile.RootElement.GetProperty("defaultErrnoRet").GetInt32(),
            ["architectures"] = new JsonArray("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"),
            ["syscalls"] = rules,
        };
    }

    private static bool Applies(JsonElement rule, string[] capabilities)
    {
        JsonElement includes = Part(rule, "includes"), excludes = Part(rule, "excludes");
        string[] needed = Names(includes, "caps"), refused = Names(excludes, "caps"), architectures = Names(includes, "arches"), others = Names(excludes, "arches");
        return needed.All(capabilities.Contains) && !refused.Any(capabilities.Contains)
            && (architectures.Length == 0 || architectures.Contains("amd64")) && !others.Contains("amd64");
    }

    private static JsonElement Part(JsonElement rule, string name) => rule.TryGetProperty(name, out JsonElement part) ? part : default;

    private static string[] Names(JsonElement part, string name) => part.ValueKind == JsonValueKind.Object && part.TryGetProperty(name, out JsonElement list)
        ? [.. list.EnumerateArray().Select(e => e.GetString()!)] : [];
}
