using System.Collections.Immutable;
using System.Globalization;
using Kimg.Engine.Native;

namespace Kimg.Engine.Sandbox;

/// <summary>Part of a user namespace's id map: <paramref name="Count"/> ids from <paramref name="Inside"/> are those from <paramref name="Outside"/> of the parent.</summary>
internal readonly record struct IdRange(uint Inside, uint Outside, uint Count)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Inside} {Outside} {Count}");
}

/// <summary>The ids of a user namespace: 0 is the user itself, 1 and up are what /etc/subuid and /etc/subgid (subuid(5)) give it, in the files' order.</summary>
internal sealed record IdMapping(ImmutableArray<IdRange> Users, ImmutableArray<IdRange> Groups)
{
    /// <summary>Null when a file has nothing for the user.</summary>
    /// <param name="names">The names the user goes by; the number always counts.</param>
    internal static IdMapping? Find(uint uid, uint gid, IReadOnlyCollection<string> names, string subuid = "/etc/subuid", string subgid = "/etc/subgid")
    {
        ImmutableArray<IdRange> users = Ranges(subuid, uid, uid, names), groups = Ranges(subgid, uid, gid, names);
        return users.Length > 1 && groups.Length > 1 ? new IdMapping(users, groups) : null;
    }

    /// <summary>The name that /etc/passwd gives an id; null when it does not.</summary>
    internal static string? NameOf(uint uid, string passwd = "/etc/passwd")
    {
        string number = uid.ToString(CultureInfo.InvariantCulture);
        return Lines(passwd).Select(line => line.Split(':')).FirstOrDefault(parts => parts.Length > 2 && parts[2] == number)?[0];
    }

    /// <summary>Writes a child's maps through the set-id programs of package uidmap.</summary>
    /// <exception cref="SyscallException">A program is missing or refused; the message is its own.</exception>
    internal async Task ApplyAsync(int pid, string newuidmap, string newgidmap)
    {
        await RunAsync(newuidmap, pid, Users);
        await RunAsync(newgidmap, pid, Groups);
    }

    private static async Task RunAsync(string program, int pid, ImmutableArray<IdRange> ranges)
    {
        string[] args = [program, pid.ToString(CultureInfo.InvariantCulture), .. ranges.SelectMany(r => r.ToString().Split(' '))];
        using var errors = Descriptors.Memory("kimg-map", []);
        ChildProcess child = await ChildProcess.StartAsync(program, args, [], [null, null, errors]);
        if ((await child.Exited).Code != 0) throw new SyscallException(Descriptors.ReadBack(errors, 4096).Trim() is { Length: > 0 } text ? text : program, Errno.EPERM);
    }

    private static ImmutableArray<IdRange> Ranges(string path, uint uid, uint own, IReadOnlyCollection<string> names)
    {
        string number = uid.ToString(CultureInfo.InvariantCulture);
        var ranges = ImmutableArray.CreateBuilder<IdRange>();
        ranges.Add(new IdRange(0, own, 1));
        uint next = 1;
        foreach (string line in Lines(path))
        {
            if (line.Split(':') is not [var who, var start, var count] || (who != number && !names.Contains(who))) continue;
            if (!uint.TryParse(start, CultureInfo.InvariantCulture, out uint first)) continue;
            if (!uint.TryParse(count.Trim(), CultureInfo.InvariantCulture, out uint length)) continue;
            if (length == 0 || length > uint.MaxValue - next) continue;
            ranges.Add(new IdRange(next, first, length));
            next += length;
        }

        return ranges.ToImmutable();
    }

    private static string[] Lines(string path) => File.Exists(path) ? File.ReadAllLines(path) : [];
}
