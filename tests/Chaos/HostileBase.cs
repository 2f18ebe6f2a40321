using System.Formats.Tar;
using System.Text;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Kimg.TestKit;

namespace Kimg.Chaos;

/// <summary>A base image whose top layer has the entries that a test wants, over one with a shell and a file to protect.</summary>
internal static class HostileBase
{
    internal static async Task<string> PushAsync(TestRegistry registry, params TarEntry[] entries)
    {
        byte[] shell = Tar([
            Folder("bin/"), File("bin/sh", await System.IO.File.ReadAllBytesAsync("/bin/busybox"), 0b111_101_101),
            File("bin/busybox", await System.IO.File.ReadAllBytesAsync("/bin/busybox"), 0b111_101_101), Folder("etc/"), Text("etc/passwd", "root:x:0:0::/:/bin/sh\n"), Text("kept", "kept")]);
        byte[][] layers = [shell, Tar(entries)];
        List<Descriptor> descriptors = [];
        foreach (byte[] layer in layers) descriptors.Add(await registry.PushBlobAsync("bad/base", layer));
        string diffIds = string.Join(',', layers.Select(l => $"\"{Digest.Sha256(l)}\""));
        byte[] config = Encoding.UTF8.GetBytes(
            $$$"""{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[{{{diffIds}}}]}}""");
        Descriptor configured = await registry.PushBlobAsync("bad/base", config);
        string list = string.Join(',', descriptors.Select(d => $$"""{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{{d.Digest}}","size":{{d.Size}}}"""));
        byte[] manifest = Encoding.UTF8.GetBytes(
            $$"""
            {"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}",
            "config":{"mediaType":"{{MediaTypes.OciConfig}}","digest":"{{configured.Digest}}","size":{{configured.Size}}},"layers":[{{list}}]}
            """);
        (await registry.PutManifestAsync("bad/base", "1", manifest, MediaTypes.OciManifest)).EnsureSuccessStatusCode();
        return $"{registry.Host}/bad/base:1";
    }

    internal static TarEntry Folder(string name) => new PaxTarEntry(TarEntryType.Directory, name) { Mode = (UnixFileMode)0b111_101_101 };

    internal static TarEntry Text(string name, string text) => File(name, Encoding.UTF8.GetBytes(text));

    internal static TarEntry Link(string name, string target) => new PaxTarEntry(TarEntryType.SymbolicLink, name) { LinkName = target };

    internal static TarEntry HardLink(string name, string target) => new PaxTarEntry(TarEntryType.HardLink, name) { LinkName = target };

    internal static TarEntry Device(string name) =>
        new PaxTarEntry(TarEntryType.BlockDevice, name) { DeviceMajor = 8, DeviceMinor = 0, Mode = (UnixFileMode)0b110_110_110 };

    private static TarEntry File(string name, byte[] bytes, int mode = 0b110_100_100) =>
        new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes), Mode = (UnixFileMode)mode };

    private static byte[] Tar(TarEntry[] entries)
    {
        MemoryStream tar = new();
        using (TarWriter writer = new(tar, TarEntryFormat.Pax, leaveOpen: true))
            foreach (TarEntry entry in entries) writer.WriteEntry(entry);
        return tar.ToArray();
    }
}
