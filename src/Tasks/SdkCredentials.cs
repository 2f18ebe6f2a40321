using System.Text;
using System.Text.Json;

namespace Kimg.Tasks;

/// <summary>The variables in which the .NET SDK takes registry credentials, as kimg understands them. Only ever in a child's environment.</summary>
internal static class SdkCredentials
{
    /// <summary>Set by the tasks: the registries of the new image, with blanks between them, and that of its base.</summary>
    public const string PushRegistry = "KIMG_TASKS_PUSH_REGISTRY", PullRegistry = "KIMG_TASKS_PULL_REGISTRY";

    private static readonly string[] s_push = ["DOTNET_CONTAINER_PUSH_REGISTRY", "DOTNET_CONTAINER_REGISTRY", "SDK_CONTAINER_REGISTRY"];
    private static readonly string[] s_pull = ["DOTNET_CONTAINER_PULL_REGISTRY", "DOTNET_CONTAINER_REGISTRY", "SDK_CONTAINER_REGISTRY"];

    public static void Translate(IDictionary<string, string?> environment)
    {
        var credentials = new SortedDictionary<string, string>(StringComparer.Ordinal);
        Find(environment, PullRegistry, s_pull, credentials);
        Find(environment, PushRegistry, s_push, credentials);
        environment.Remove(PushRegistry);
        environment.Remove(PullRegistry);
        // What the user has set for kimg itself is more exact.
        if (credentials.Count > 0 && !environment.ContainsKey("DOCKER_AUTH_CONFIG")) environment["DOCKER_AUTH_CONFIG"] = AuthConfig(credentials);
        if (environment.TryGetValue("DOTNET_CONTAINER_INSECURE_REGISTRIES", out string? insecure) && !string.IsNullOrEmpty(insecure)
            && !environment.ContainsKey("KIMG_REGISTRY_INSECURE"))
        {
            environment["KIMG_REGISTRY_INSECURE"] = insecure.Replace(';', ',');
        }
    }

    private static void Find(IDictionary<string, string?> environment, string registry, string[] prefixes, SortedDictionary<string, string> credentials)
    {
        if (!environment.TryGetValue(registry, out string? hosts) || string.IsNullOrEmpty(hosts)) return;
        foreach (string prefix in prefixes)
        {
            if (!environment.TryGetValue(prefix + "_UNAME", out string? user) || string.IsNullOrEmpty(user)) continue;
            environment.TryGetValue(prefix + "_PWORD", out string? password);
            foreach (string host in hosts.Split(' ')) credentials[host] = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));
            return;
        }
    }

    private static string AuthConfig(SortedDictionary<string, string> credentials)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartObject("auths");
            foreach ((string registry, string auth) in credentials)
            {
                json.WriteStartObject(registry == "docker.io" ? "https://index.docker.io/v1/" : registry);
                json.WriteString("auth", auth);
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
