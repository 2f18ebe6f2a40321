using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Kimg.Engine.Primitives;
using Microsoft.Build.Framework;

namespace Kimg.Tasks;

/// <summary>Properties, items and what the base says → the image, by the SDK's rules.</summary>
internal sealed partial class AppImageBuilder(BuildImage task)
{
    public const string Created = "org.opencontainers.image.created", ArtifactCreated = "org.opencontainers.artifact.created";

    public AppImage Build(string baseImage, BaseImageInfo found, ImmutableArray<AppPlatform> platforms)
    {
        ImmutableArray<AppVariable> environment = [.. task.EnvironmentVariables.Select(v => new AppVariable(v.ItemSpec, v.GetMetadata("Value")))];
        ImmutableDictionary<string, string> effective = found.Environment;
        foreach (AppVariable variable in environment) effective = effective.SetItem(variable.Name, variable.Value);
        string user = task.User.Length > 0 ? task.User : effective.GetValueOrDefault("APP_UID", "");
        (ImmutableArray<string> entrypoint, ImmutableArray<string> cmd) = new AppCommand
        {
            Entrypoint = [.. task.Entrypoint],
            EntrypointArgs = [.. task.EntrypointArgs],
            Command = Command(),
            CommandArgs = [.. task.AppCommandArgs],
            DefaultArgs = [.. task.DefaultArgs],
            Instruction = task.AppCommandInstruction,
        }.Resolve(found.Entrypoint);
        if (entrypoint.IsEmpty && cmd.IsEmpty && task.AppCommandInstruction != "None")
        {
            throw new KimgException(ErrorCode.InvalidProjectProperty, "ContainerAppCommand is empty: the image would start nothing")
            {
                Hint = "set it, or set ContainerAppCommandInstruction to None for an image that is not to be started",
            };
        }

        return new AppImage
        {
            Base = baseImage,
            Platforms = platforms,
            WorkingDirectory = WorkingDirectory(),
            Environment = environment,
            Labels = Labels(found, platforms.Length > 1),
            Ports = [.. task.Ports.Select(Port), .. PortsOf(effective)],
            User = user,
            Owner = uint.TryParse(task.User, NumberStyles.None, CultureInfo.InvariantCulture, out uint uid) ? uid : null,
            Entrypoint = entrypoint,
            Cmd = cmd,
        };
    }

    // A build for several runtimes has computed it in each of them.
    private ImmutableArray<string> Command() => task.AppCommand.Length > 0 || task.AppCommandInstruction == "None"
        ? [.. task.AppCommand]
        : [.. task.PublishOutput[0].GetMetadata("AppCommand").Split(';', StringSplitOptions.RemoveEmptyEntries)];

    private string WorkingDirectory()
    {
        string path = task.WorkingDirectory.Length > 0 ? task.WorkingDirectory : "/app/";
        if (path[0] == '/') return path.EndsWith('/') ? path : path + "/";
        throw new KimgException(ErrorCode.InvalidProjectProperty, $"ContainerWorkingDirectory: '{path}' is not absolute") { Hint = "for example /app" };
    }

    private ImmutableSortedDictionary<string, string> Labels(BaseImageInfo found, bool index)
    {
        string? time = SourceDate.Of(task.SourceDateEpoch);
        var labels = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (ITaskItem label in task.Labels)
        {
            if (label.ItemSpec.Length == 0) throw new KimgException(ErrorCode.InvalidProjectProperty, "a ContainerLabel has no name");
            labels[label.ItemSpec] = SourceDate.ValueOf(label.ItemSpec, label.GetMetadata("Value"), time);
        }

        if (task.GenerateDigestLabel && found.Digest.Length > 0) labels["org.opencontainers.image.base.digest"] = index ? found.Digest : found.PlatformDigest;
        return labels.ToImmutable();
    }

    private static string Port(ITaskItem port)
    {
        string type = port.GetMetadata("Type") is { Length: > 0 } given ? given.ToLowerInvariant() : "tcp";
        if (int.TryParse(port.ItemSpec, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is > 0 and < 65536 && type is "tcp" or "udp")
            return FormattableString.Invariant($"{number}/{type}");
        throw new KimgException(ErrorCode.InvalidProjectProperty, $"ContainerPort: '{port.ItemSpec}' with Type '{type}' is no port")
        {
            Hint = "it is a number from 1 to 65535, and Type is tcp or udp",
        };
    }

    // What ASP.NET listens on: the URLs win, otherwise both lists count.
    private static IEnumerable<string> PortsOf(ImmutableDictionary<string, string> environment)
    {
        if (environment.GetValueOrDefault("ASPNETCORE_URLS") is { Length: > 0 } urls) return PortOfUrl().Matches(urls).Select(match => match.Groups[1].Value + "/tcp");
        return new[] { "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_HTTPS_PORTS" }
            .SelectMany(name => environment.GetValueOrDefault(name, "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            .Where(port => ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number) && number > 0)
            .Select(port => port + "/tcp");
    }

    [GeneratedRegex(@"[a-z]+://[^;/]*:(\d{1,5})\b")]
    private static partial Regex PortOfUrl();
}
