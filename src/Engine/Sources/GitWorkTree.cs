using Kimg.Engine.Graph;
using Kimg.Engine.Native;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Sources;

/// <summary>Writes a commit's files into an empty directory, as BuildKit has them: 755 and 644, submodules included, .git only when asked for.</summary>
internal sealed class GitWorkTree(GitProgram git, GitAccess access, string repository, string directory)
{
    private const int Executable = 0b111_101_101, Plain = 0b110_100_100;

    // The only one who reads from a path of this machine is git copying from the repository kimg made.
    private readonly GitAccess _local = access with { Protocols = "file" };

    public async Task MakeAsync(GitTarget target, GitSourceOp op, CancellationToken cancellationToken)
    {
        string format = target.Commit.Length == 64 ? "sha256" : "sha1";
        await git.RunAsync(_local, directory, ["init", "--quiet", "--template=", "--object-format=" + format, "--", directory], cancellationToken);
        await git.RunAsync(_local, directory, ["remote", "add", "origin", access.Remote], cancellationToken);
        if (op.KeepGitDir) await CopyObjectsAsync(target, cancellationToken);
        else ShareObjects();
        await git.RunAsync(_local, directory, ["checkout", "--quiet", "--force", "--detach", target.Commit], cancellationToken);
        if (op.Submodules && File.Exists(Path.Combine(directory, ".gitmodules")))
        {
            await git.RunAsync(
                access, directory, ["submodule", "--quiet", "update", "--init", "--recursive", "--force", "--depth=1"], cancellationToken);
        }

        if (!op.KeepGitDir)
        {
            RemoveGitDirectories(directory);
            return;
        }

        // An index written without looking at the files holds no times and inode numbers: equal checkouts are equal.
        await git.RunAsync(_local, directory, ["read-tree", "HEAD"], cancellationToken);
        foreach (string leftover in (string[])["FETCH_HEAD", "ORIG_HEAD"]) File.Delete(Path.Combine(directory, ".git", leftover));
    }

    /// <summary>Sets modes and times of a directory and all below it.</summary>
    /// <param name="seconds">Since 1970.</param>
    public static void Normalize(string directory, long seconds)
    {
        using SafeFileHandle root = Trees.OpenRoot(directory);
        Normalize(root, seconds, modes: true);
        Trees.ChangeMode(root, Executable);
        Trees.SetModified(root, seconds, 0);
    }

    // Of the submodules too; git itself never checks out anything of that name.
    private static void RemoveGitDirectories(string directory)
    {
        string own = Path.Combine(directory, ".git");
        if (Directory.Exists(own)) Directory.Delete(own, recursive: true);
        foreach (string file in Directory.EnumerateFiles(directory, ".git", new EnumerationOptions
        {
            RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = false,
        })) File.Delete(file);
    }

    private async Task CopyObjectsAsync(GitTarget target, CancellationToken cancellationToken)
    {
        // A branch or tag keeps its name, so that git describe and git branch have something to say.
        string into = target.Reference is { } name && name.StartsWith("refs/", StringComparison.Ordinal) ? name : "refs/kimg/" + target.Commit;
        await git.RunAsync(
            _local, directory, ["fetch", "--quiet", "--update-head-ok", "--depth=1", "--no-tags", "--", "file://" + repository, $"+refs/kimg/{target.Commit}:{into}"],
            cancellationToken);
    }

    private void ShareObjects()
    {
        string objects = Path.Combine(directory, ".git", "objects", "info");
        Directory.CreateDirectory(objects);
        File.WriteAllText(Path.Combine(objects, "alternates"), Path.Combine(repository, "objects") + "\n");
        string shallow = Path.Combine(repository, "shallow");
        if (File.Exists(shallow)) File.Copy(shallow, Path.Combine(directory, ".git", "shallow"));
    }

    private static void Normalize(SafeFileHandle directory, long seconds, bool modes)
    {
        foreach (string name in Trees.List(directory))
        {
            if (!Trees.TryStat(directory, name, out FileStat stat)) continue;
            if (stat.IsDirectory)
            {
                using SafeFileHandle child = Trees.OpenDirectory(directory, name);
                Normalize(child, seconds, modes && name != ".git");
            }

            if (!stat.IsSymlink && modes)
            {
                int mode = stat.IsDirectory || (stat.Mode & 0b001_000_000) != 0 ? Executable : Plain;
                if (mode != stat.Mode) Trees.ChangeMode(directory, name, mode);
            }

            Trees.SetModified(directory, name, seconds, 0);
        }
    }
}
