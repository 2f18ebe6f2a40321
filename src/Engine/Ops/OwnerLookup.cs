using System.Globalization;
using System.Text;
using Kimg.Engine.Archive;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Ops;

/// <summary>--chown and USER names, looked up in a tree's /etc/passwd and /etc/group; numbers are taken as they are.</summary>
internal static class OwnerLookup
{
    private const int MaxFile = 4 << 20;

    /// <summary><c>user[:group]</c>. A user alone by number gives the same group number; by name, its primary group. A user that is not in the
    /// files counts as 0, and a group that is not leaves the user's; <c>user:</c> is group 0. All as BuildKit has it.</summary>
    public static async Task<(uint Uid, uint Gid)> ResolveAsync(IFileTree tree, string owner, CancellationToken cancellationToken)
    {
        int colon = owner.IndexOf(':');
        string user = colon < 0 ? owner : owner[..colon], group = colon < 0 ? "" : owner[(colon + 1)..];
        (uint uid, uint gid) = (0, 0);
        if (TryNumber(user, out uid)) gid = uid;
        else if (await FindAsync(tree, "etc/passwd", user, 4, cancellationToken) is { } fields) (uid, gid) = (Number(fields[2]), Number(fields[3]));
        if (colon < 0) return (uid, gid);
        if (group.Length == 0) return (uid, 0);
        if (TryNumber(group, out uint number)) gid = number;
        else if (await FindAsync(tree, "etc/group", group, 3, cancellationToken) is { } fields) gid = Number(fields[2]);
        return (uid, gid);
    }

    /// <summary>True when the owner is all numbers, so that no tree is needed.</summary>
    public static bool IsNumeric(string owner) => owner.Split(':').All(part => part.Length == 0 || TryNumber(part, out _));

    private static uint Number(string? text) => TryNumber(text, out uint number) ? number : 0;

    private static bool TryNumber(string? text, out uint number) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static async Task<string[]?> FindAsync(IFileTree tree, string file, string name, int fieldCount, CancellationToken cancellationToken)
    {
        if (tree.Find(tree.Resolve(ImagePath.Normalize(file))) is not { Type: EntryType.File or EntryType.HardLink, Size: <= MaxFile } entry) return null;
        await using Stream stream = await tree.OpenAsync(entry, cancellationToken);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            string[] fields = line.Split(':');
            if (fields.Length >= fieldCount && fields[0] == name) return fields;
        }

        return null;
    }
}
