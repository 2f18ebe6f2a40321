using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>Reads the text of --mount: comma-separated key=value fields, quoted as CSV when a value holds a comma.</summary>
internal static class MountParser
{
    private static readonly string[] s_keys =
    [
        "type", "from", "source", "target", "readonly", "id", "sharing", "required", "size", "mode", "uid", "gid", "src", "dst", "destination",
        "ro", "rw", "readwrite", "env",
    ];

    private static readonly string[] s_kinds = ["bind", "cache", "tmpfs", "secret", "ssh"];

    private static readonly string[] s_sharings = ["shared", "private", "locked"];

    /// <summary>The value of <c>from=</c>, which must not hold a variable; null when there is none.</summary>
    public static string? Source(string text, SourceSpan span)
    {
        string? from = null;
        foreach (string field in Fields(text, span))
        {
            (string key, string? value) = Split(field);
            if (key != "from" || value is null) continue;
            int dollar = value.IndexOf('$');
            if (dollar >= 0 && dollar != value.Length - 1)
            {
                throw Invalid("'from' does not support variable expansion", "define a stage with FROM $variable AS name and mount from it", span);
            }

            from = value;
        }

        return string.IsNullOrEmpty(from) ? null : from;
    }

    /// <exception cref="KimgException">InvalidInstruction.</exception>
    public static RunMount Parse(string text, Func<string, string> expand, SourceSpan span)
    {
        var mount = new RunMount(MountKind.Bind);
        bool? readOnly = null;
        foreach (string field in Fields(text, span))
        {
            (string key, string? raw) = Split(field);
            if (raw is null && key is not ("readonly" or "ro" or "readwrite" or "rw" or "required"))
                throw Invalid($"invalid field '{field}' must be a key=value pair", Hint(key), span);
            string value = raw is null ? "true" : expand(raw);
            switch (key)
            {
                case "type":
                    mount = mount with { Kind = Kind(value, span) };
                    break;
                case "from":
                    mount = mount with { From = value };
                    break;
                case "source" or "src":
                    mount = mount with { Source = value };
                    break;
                case "target" or "dst" or "destination":
                    mount = mount with { Target = value };
                    break;
                case "readonly" or "ro":
                    readOnly = Boolean(key, value, span);
                    break;
                case "readwrite" or "rw":
                    readOnly = !Boolean(key, value, span);
                    break;
                case "required" when mount.Kind is MountKind.Secret or MountKind.Ssh:
                    mount = mount with { Required = Boolean(key, value, span) };
                    break;
                case "size" when mount.Kind == MountKind.Tmpfs:
                    mount = mount with { Size = ByteSize.Parse(value) ?? throw Invalid($"invalid value for size: '{value}'", "write 64m or 1g", span) };
                    break;
                case "required" or "size":
                    throw Invalid($"unexpected key '{key}' for mount type '{mount.Kind.ToString().ToLowerInvariant()}'",
                        key == "size" ? "size belongs to type=tmpfs, given before it" : "required belongs to type=secret and type=ssh, given before it", span);
                case "id":
                    mount = mount with { Id = value };
                    break;
                case "sharing":
                    mount = mount with { Sharing = Sharing(value, span) };
                    break;
                case "mode":
                    mount = mount with { Mode = (int)Number(key, value, 8, span) };
                    break;
                case "uid":
                    mount = mount with { Uid = (int)Number(key, value, 10, span) };
                    break;
                case "gid":
                    mount = mount with { Gid = (int)Number(key, value, 10, span) };
                    break;
                case "env":
                    mount = mount with { Env = value };
                    break;
                default:
                    throw Invalid($"unexpected key '{key}' in '{field}'", Hint(key), span);
            }
        }

        return Check(mount with { ReadOnly = readOnly ?? mount.Kind is not (MountKind.Cache or MountKind.Tmpfs) }, span);
    }

    private static RunMount Check(RunMount mount, SourceSpan span)
    {
        string kind = mount.Kind.ToString().ToLowerInvariant();
        if (mount.Kind is MountKind.Bind or MountKind.Tmpfs)
        {
            string? key = mount.Mode is not null ? "mode" : mount.Uid is not null ? "uid" : mount.Gid is not null ? "gid" : null;
            if (key is not null) throw Invalid($"{key} is not allowed for mounts of type '{kind}'", "it belongs to cache, secret and ssh mounts", span);
        }

        if (mount.Kind == MountKind.Secret)
        {
            if (mount.From.Length > 0) throw Invalid("a secret mount has no from", "remove from=", span);
            if (mount.Sharing.Length > 0) throw Invalid("a secret mount has no sharing", "remove sharing=", span);
            if (mount.Source.Length + mount.Target.Length + mount.Id.Length == 0)
                throw Invalid("a secret mount needs an id or a target", "write --mount=type=secret,id=name", span);
            if (mount.Source.Length > 0 && mount.Id.Length > 0) throw Invalid("both source and id of a secret mount are set", "keep id=", span);
        }

        if (mount.Kind == MountKind.Ssh && mount.Source.Length > 0) throw Invalid("an ssh mount has no source", "use id= to choose the agent", span);
        if (mount.Sharing.Length > 0 && mount.Kind != MountKind.Cache)
            throw Invalid($"sharing is not allowed for mounts of type '{kind}'", "it belongs to type=cache", span);
        return mount;
    }

    private static MountKind Kind(string value, SourceSpan span) => value.ToLowerInvariant() switch
    {
        "bind" => MountKind.Bind,
        "cache" => MountKind.Cache,
        "tmpfs" => MountKind.Tmpfs,
        "secret" => MountKind.Secret,
        "ssh" => MountKind.Ssh,
        _ => throw Invalid($"unsupported mount type '{value}'", Near(value, s_kinds), span),
    };

    private static string Sharing(string value, SourceSpan span) =>
        s_sharings.Contains(value.ToLowerInvariant()) ? value.ToLowerInvariant()
            : throw Invalid($"unsupported sharing value '{value}'", Near(value, s_sharings), span);

    private static bool Boolean(string key, string value, SourceSpan span) =>
        GoBoolean.Parse(value) ?? throw Invalid($"invalid value for {key}: '{value}'", "it is true or false", span);

    private static uint Number(string key, string value, int radix, SourceSpan span)
    {
        ulong number = 0;
        foreach (char c in value)
        {
            int digit = c - '0';
            if (digit < 0 || digit >= radix || (number = number * (ulong)radix + (ulong)digit) > int.MaxValue) return Bad();
        }

        return value.Length > 0 ? (uint)number : Bad();

        uint Bad() => throw Invalid($"invalid value '{value}' for {key}", radix == 8 ? "it is an octal mode such as 0755" : "it is a number", span);
    }

    private static string Hint(string key) => Near(key, s_keys);

    private static string Near(string word, string[] words) =>
        Suggestion.Nearest(word, words) is { } near ? $"did you mean '{near}'?" : $"it is one of {string.Join(", ", words)}";

    private static (string Key, string? Value) Split(string field)
    {
        int equals = field.IndexOf('=');
        return equals < 0 ? (field.ToLowerInvariant(), null) : (field[..equals].ToLowerInvariant(), field[(equals + 1)..]);
    }

    private static List<string> Fields(string text, SourceSpan span)
    {
        var fields = new List<string>();
        int at = 0;
        while (true)
        {
            var field = new StringBuilder();
            if (at < text.Length && text[at] == '"')
            {
                for (at++; ; at++)
                {
                    if (at == text.Length) throw Invalid($"the quotes of the mount '{text}' do not match", "close the double quote", span);
                    if (text[at] != '"') field.Append(text[at]);
                    else if (at + 1 < text.Length && text[at + 1] == '"') field.Append(text[at++]);
                    else break;
                }

                at++;
                if (at < text.Length && text[at] != ',')
                    throw Invalid($"the quotes of the mount '{text}' do not match", "a quoted field ends at the comma", span);
            }
            else
            {
                int comma = text.IndexOf(',', at);
                field.Append(text, at, (comma < 0 ? text.Length : comma) - at);
                at = comma < 0 ? text.Length : comma;
            }

            fields.Add(field.ToString());
            if (at >= text.Length) return fields;
            at++;
        }
    }

    private static KimgException Invalid(string message, string hint, SourceSpan span) =>
        new(ErrorCode.InvalidInstruction, message) { Hint = hint, Span = span };
}
