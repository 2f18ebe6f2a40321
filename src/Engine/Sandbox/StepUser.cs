using System.Globalization;
using System.Text;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Sandbox;

/// <summary>Who a step runs as, found in the root's own /etc/passwd and /etc/group. The rules are those of BuildKit and runc: numbers need no entry, a
/// group in the text switches supplementary groups off, the home directory is that of the id.</summary>
/// <param name="Groups">Supplementary groups, the primary one included.</param>
/// <param name="Home">For HOME; "/" when the id has no entry.</param>
internal sealed record StepUser(uint Uid, uint Gid, uint[] Groups, string Home)
{
    private const int MaxFileSize = 10 << 20;

    internal static StepUser Find(SafeFileHandle root, string? user)
    {
        string text = string.IsNullOrEmpty(user) ? "0" : user;
        int colon = text.IndexOf(':');
        string userPart = colon < 0 ? text : text[..colon], groupPart = colon < 0 ? "" : text[(colon + 1)..];
        string[][] passwd = ReadEntries(root, "/etc/passwd", 7), group = ReadEntries(root, "/etc/group", 4);

        // As runc: an entry's name or its number may be meant, whichever entry comes first.
        bool numeric = TryNumber(userPart, out uint uid);
        string[]? entry = passwd.FirstOrDefault(p => p[0] == userPart || (numeric && p[2] == userPart));
        uint gid = 0;
        if (entry is not null && TryNumber(entry[2], out uint entryUid) && TryNumber(entry[3], out uint entryGid)) (uid, gid) = (entryUid, entryGid);
        else if (!numeric) (uid, gid) = userPart is "root" or "" ? (0u, 0u) : throw Unknown("user", userPart, "/etc/passwd");

        var groups = new List<uint>();
        if (groupPart.Length > 0) gid = FindGroup(group, groupPart);
        else if (entry is not null)
        {
            foreach (string[] g in group)
                if (g[3].Split(',').Contains(entry[0]) && TryNumber(g[2], out uint id)) groups.Add(id);
        }

        if (!groups.Contains(gid)) groups.Insert(0, gid);
        string uidText = uid.ToString(CultureInfo.InvariantCulture);
        string? home = passwd.FirstOrDefault(p => p[2] == uidText)?[5];
        return new StepUser(uid, gid, [.. groups], string.IsNullOrEmpty(home) ? "/" : home);
    }

    private static uint FindGroup(string[][] groups, string text)
    {
        bool numeric = TryNumber(text, out uint gid);
        string[]? entry = groups.FirstOrDefault(g => g[0] == text || (numeric && g[2] == text));
        if (entry is not null && TryNumber(entry[2], out uint found)) return found;
        if (numeric) return gid;
        return text == "root" ? 0u : throw Unknown("group", text, "/etc/group");
    }

    private static bool TryNumber(string text, out uint number) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static KimgException Unknown(string kind, string name, string file) => new(ErrorCode.UnknownUser, $"unknown {kind} '{name}'")
    {
        Hint = $"the image's {file} has no such name; add the {kind} in a RUN before, or give a number",
    };

    private static string[][] ReadEntries(SafeFileHandle root, string path, int fields)
    {
        using SafeFileHandle? file = RootedPaths.OpenFile(root, path);
        if (file is null || !FileStatus.Of(file).IsRegular) return [];
        string text = Encoding.UTF8.GetString(Descriptors.ReadAll(file, MaxFileSize));
        IEnumerable<string[]> lines = text.Split('\n').Select(line => line.TrimEnd('\r').Split(':'));
        return [.. lines.Where(parts => parts.Length >= Math.Min(fields, 4)).Select(parts => Pad(parts, fields))];
    }

    private static string[] Pad(string[] parts, int fields) =>
        parts.Length >= fields ? parts : [.. parts, .. Enumerable.Repeat("", fields - parts.Length)];
}
