using Kimg.Engine.Native;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Sandbox;

/// <summary>Which storage driver works here, found out by using it. Runs in the worker (or a probe process), in the namespaces that steps will have.</summary>
internal static class StorageProbe
{
    /// <summary>overlay where it works on this file system, then fuse-overlayfs where the program and the device are there, else native.</summary>
    internal static string Choose(string directory, string scratch, FeatureMask without) =>
        OverlayProblem(directory, scratch, without) is null ? "overlay" : FuseProblem(without) is null ? "fuse-overlayfs" : "native";

    /// <summary>null: overlayfs works with layers in <paramref name="directory"/>; otherwise why it does not.</summary>
    internal static string? OverlayProblem(string directory, string scratch, FeatureMask without)
    {
        if (without.HasFlag(FeatureMask.Overlay)) return "masked";
        Directory.CreateDirectory(directory);
        Directory.CreateDirectory(scratch);
        DirectoryInfo probe = Directory.CreateDirectory(Path.Combine(directory, ".probe-" + Guid.NewGuid().ToString("N")));
        try
        {
            string bottom = probe.CreateSubdirectory("bottom").FullName, top = probe.CreateSubdirectory("top").FullName;
            probe.CreateSubdirectory("bottom/lower");
            string upper = probe.CreateSubdirectory("upper").FullName, work = probe.CreateSubdirectory("work").FullName;
            // Removing a lower directory needs extended attributes on upper: without userxattr, or on some file systems, only this fails.
            RootFileSystem.Visit(new OverlaySource([bottom, top], upper, work), scratch, without, root =>
            {
                using SafeFileHandle made = RootedPaths.Resolve(root, "/lower/new", RootedPaths.Missing.MakeFile);
                using SafeFileHandle lower = RootedPaths.Resolve(root, "/lower");
                RootedPaths.TryRemove(lower, "new", isDirectory: false);
                RootedPaths.TryRemove(root, "lower", isDirectory: true);
                RootedPaths.Resolve(root, "/lower/again", RootedPaths.Missing.MakeFile).Dispose();
            });
            return null;
        }
        catch (SyscallException e)
        {
            return e.Message;
        }
        finally
        {
            Delete(probe);
        }
    }

    internal static string? FuseProblem(FeatureMask without)
    {
        if (without.HasFlag(FeatureMask.Fuse)) return "masked";
        if (!Processes.IsWritable("/dev/fuse")) return "/dev/fuse cannot be opened";
        return FuseOverlayProgram is null ? "the program fuse-overlayfs is not installed" : null;
    }

    internal static string? FuseOverlayProgram => s_programs.FirstOrDefault(File.Exists);

    private static readonly string[] s_programs = ["/usr/bin/fuse-overlayfs", "/usr/local/bin/fuse-overlayfs", "/bin/fuse-overlayfs"];

    // overlayfs leaves work/work without permissions.
    private static void Delete(DirectoryInfo probe)
    {
        string inner = Path.Combine(probe.FullName, "work", "work");
        if (Directory.Exists(inner)) FileOwner.SetMode(inner, 0b111_000_000);
        probe.Delete(recursive: true);
    }
}
