using Kimg.Engine.Build;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Options;

/// <summary>--secret and --ssh. The values themselves are not read here; that the files exist is checked, so that a typing error shows at once.</summary>
internal static class SecretParser
{
    public static SecretSource ParseSecret(string text, CliHost host)
    {
        var source = new OptionSource("--secret", text, ErrorCode.InvalidSecret);
        string? id = null, file = null, variable = null, type = null;
        foreach ((string key, string? value) in Csv.Pairs(source, text))
        {
            if (value is null) throw source.Invalid($"'{key}' is not key=value", "for example id=token,env=TOKEN or id=key,src=key.pem");
            switch (key.ToLowerInvariant())
            {
                case "id": id = value; break;
                case "src" or "source": file = value; break;
                case "env": variable = value; break;
                case "type" when value is "file" or "env": type = value; break;
                case "type": throw source.Invalid($"unknown type '{value}'", "types: file, env");
                default: throw source.UnknownKey(key, ["id", "src", "source", "env", "type"]);
            }
        }

        if (string.IsNullOrEmpty(id)) throw source.Invalid("id= is missing");
        if (type == "env" && variable is null) (variable, file) = (file, null);
        if (file is null && variable is null)
        {
            if (type != "file" && host.Variable(id) is not null) variable = id;
            else file = id;
        }

        if (variable is not null) return new SecretSource(id, null, variable);
        string path = Path.GetFullPath(file!, host.CurrentDirectory);
        if (!File.Exists(path)) throw source.Invalid($"there is no file '{path}'", $"or take it from the environment: id={id},env=NAME");
        return new SecretSource(id, path, null);
    }

    /// <summary>default, ID, or ID=SOCKET|KEY[,KEY…].</summary>
    public static SshSource ParseSsh(string text, CliHost host)
    {
        var source = new OptionSource("--ssh", text, ErrorCode.InvalidSecret);
        int equals = text.IndexOf('=');
        string id = equals < 0 ? text : text[..equals];
        if (id.Length == 0) throw source.Invalid("the id is empty", "write default, or ID=PATH");
        if (equals < 0)
        {
            return host.Variable("SSH_AUTH_SOCK") is { Length: > 0 } ? new SshSource(id, [])
                : throw source.Invalid(
                    "no ssh agent is running (SSH_AUTH_SOCK is not set)",
                    $"start one, or name a key: --ssh {id}=$HOME/.ssh/id_ed25519");
        }

        string[] paths = text[(equals + 1)..].Split(',');
        for (int i = 0; i < paths.Length; i++)
        {
            paths[i] = Path.GetFullPath(paths[i], host.CurrentDirectory);
            if (!File.Exists(paths[i])) throw source.Invalid($"there is no socket or key '{paths[i]}'");
        }

        return new SshSource(id, [.. paths]);
    }
}
