using System.Formats.Tar;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Kimg.TestKit;

namespace Kimg.Conformance;

/// <summary>
/// Makes the files of a case: <c>{path, type, mode, mtime, content|base64|link}</c> with type file (default), dir, link, hardlink, fifo, socket or
/// archive (<c>xattrs</c>; <c>format</c> tar, gz, bz2, xz, zst; <c>entries</c> of the same kind, there with <c>uid</c> and <c>gid</c>).
/// </summary>
internal static class ContextWriter
{
    private static readonly System.Collections.Concurrent.ConcurrentBag<Socket> s_sockets = [];

    /// <summary>What is not given a time has this one: 2021-03-04 05:06:07 UTC.</summary>
    private const long DefaultTime = 1614834367;

    public static async Task WriteAsync(string root, JsonArray entries)
    {
        Directory.CreateDirectory(root);
        foreach (JsonNode? entry in entries)
            await WriteEntryAsync(root, entry!);
        // From the end: writing into a directory changes its time.
        foreach (JsonNode? entry in entries.Reverse())
            await FinishAsync(root, entry!);
        await HostProgram.MustAsync("touch", "-d", $"@{DefaultTime}", root);
    }

    private static async Task WriteEntryAsync(string root, JsonNode entry)
    {
        string path = Path.Combine(root, Text(entry, "path")!);
        await MakeParentsAsync(root, Path.GetDirectoryName(path)!);
        switch (Text(entry, "type") ?? "file")
        {
            case "file": await File.WriteAllBytesAsync(path, Content(entry)); break;
            case "dir": Directory.CreateDirectory(path); break;
            case "link": File.CreateSymbolicLink(path, Text(entry, "link")!); break;
            case "hardlink": await HostProgram.MustAsync("ln", Path.Combine(root, Text(entry, "link")!), path); break;
            case "fifo": await HostProgram.MustAsync("mkfifo", path); break;
            case "socket": Bind(path); break;
            case "archive": await WriteArchiveAsync(path, entry); break;
            case var other: throw new InvalidDataException($"no entry type '{other}'");
        }
    }

    // Kept: one that is collected takes its file with it.
    private static void Bind(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        s_sockets.Add(socket);
    }

    private static async Task MakeParentsAsync(string root, string directory)
    {
        if (directory == root || Directory.Exists(directory)) return;
        await MakeParentsAsync(root, Path.GetDirectoryName(directory)!);
        Directory.CreateDirectory(directory);
        await HostProgram.MustAsync("chmod", "0755", directory);
    }

    private static async Task FinishAsync(string root, JsonNode entry)
    {
        string path = Path.Combine(root, Text(entry, "path")!), type = Text(entry, "type") ?? "file";
        if (type == "hardlink") return;
        if (type != "link")
            await HostProgram.MustAsync("chmod", Text(entry, "mode") ?? (type == "dir" ? "0755" : "0644"), path);
        foreach ((string name, JsonNode? value) in entry["xattrs"] as JsonObject ?? [])
            await HostProgram.MustAsync("setfattr", "-h", "-n", name, "-v", value!.GetValue<string>(), path);
        await TouchAsync(path, entry["mtime"]?.GetValue<long>() ?? DefaultTime);
        for (string parent = Path.GetDirectoryName(path)!; parent != root; parent = Path.GetDirectoryName(parent)!)
            await TouchAsync(parent, DefaultTime);
    }

    private static Task<string> TouchAsync(string path, long time) =>
        HostProgram.MustAsync("touch", "-h", "-d", string.Create(CultureInfo.InvariantCulture, $"@{time}"), path);

    public static async Task WriteArchiveAsync(string path, JsonNode archive)
    {
        string raw = path + ".raw";
        await using (FileStream file = File.Create(raw))
        await using (TarWriter writer = new(file, TarEntryFormat.Ustar))
        {
            foreach (JsonNode? entry in archive["entries"]!.AsArray())
                await writer.WriteEntryAsync(TarEntryOf(entry!));
        }

        (string program, string suffix)? packer = Text(archive, "format") switch
        {
            "gz" => ("gzip", ".gz"),
            "bz2" => ("bzip2", ".bz2"),
            "xz" => ("xz", ".xz"),
            "zst" => ("zstd", ".zst"),
            _ => null,
        };
        if (packer is var (command, ending))
        {
            await HostProgram.MustAsync(command, command == "zstd" ? ["-q", "--rm", raw] : command == "gzip" ? ["-n", raw] : [raw]);
            raw += ending;
        }

        File.Move(raw, path);
    }

    /// <summary>Also of the layers of base images.</summary>
    public static TarEntry TarEntryOf(JsonNode entry)
    {
        string type = Text(entry, "type") ?? "file", path = Text(entry, "path")!;
        TarEntryType kind = type switch
        {
            "dir" => TarEntryType.Directory,
            "link" => TarEntryType.SymbolicLink,
            "hardlink" => TarEntryType.HardLink,
            "fifo" => TarEntryType.Fifo,
            _ => TarEntryType.RegularFile,
        };
        UstarTarEntry header = new(kind, type == "dir" ? path + "/" : path)
        {
            Mode = (UnixFileMode)Convert.ToInt32(Text(entry, "mode") ?? (type is "dir" or "link" ? "0755" : "0644"), 8),
            Uid = entry["uid"]?.GetValue<int>() ?? 0,
            Gid = entry["gid"]?.GetValue<int>() ?? 0,
            ModificationTime = DateTimeOffset.FromUnixTimeSeconds(entry["mtime"]?.GetValue<long>() ?? DefaultTime),
        };
        if (type is "link" or "hardlink") header.LinkName = Text(entry, "link")!;
        else if (type == "file") header.DataStream = new MemoryStream(Content(entry));
        return header;
    }

    private static byte[] Content(JsonNode entry) =>
        Text(entry, "base64") is { } base64 ? Convert.FromBase64String(base64) : Encoding.UTF8.GetBytes(Text(entry, "content") ?? "");

    private static string? Text(JsonNode node, string key) => node[key]?.GetValue<string>();
}
