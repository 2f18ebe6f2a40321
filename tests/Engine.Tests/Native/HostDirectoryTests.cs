using System.Runtime.Versioning;
using System.Text;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Kimg.Engine.Tests.Native;

/// <summary>What both ways of reading a directory must do.</summary>
[SupportedOSPlatform("linux")]
public sealed class HostDirectoryTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Says_what_everything_is_and_follows_nothing(bool portable)
    {
        Directory.CreateDirectory(_directory["sub/inner"]);
        Write("sub/file", "four", UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.SetUser);
        File.CreateSymbolicLink(_directory["to-directory"], "sub");
        File.CreateSymbolicLink(_directory["to-nowhere"], "/not/../here");
        var long_ago = new DateTime(1969, 12, 31, 23, 59, 58, 500, DateTimeKind.Utc);
        File.SetLastWriteTimeUtc(_directory["sub/file"], long_ago);
        using HostDirectory root = Open(portable);

        Assert.True(root.Stat().IsDirectory);
        Assert.Equal(["sub", "to-directory", "to-nowhere"], root.Read().Select(item => item.Name).Order(StringComparer.Ordinal));
        Assert.True(root.Read().Single(item => item.Name == "sub").MayBeDirectory);
        Assert.True(root.TryStat("to-directory", out FileStat link));
        Assert.True(link.IsSymlink);
        Assert.Equal(("sub", "/not/../here"), (root.ReadLink("to-directory"), root.ReadLink("to-nowhere")));
        Assert.False(root.TryStat("absent", out _));

        using HostDirectory sub = root.OpenDirectory("sub");
        Assert.True(sub.TryStat("file", out FileStat file));
        Assert.Equal((FileStat.File, 0b100_101_000_000, 4L), (file.Format, file.Mode, file.Size));
        Assert.Equal((-2L, 500_000_000u), (file.ModifiedSeconds, file.ModifiedNanoseconds));
        Assert.True(sub.TryStat("inner", out FileStat inner));
        Assert.True(inner.IsDirectory);
        Assert.Equal("four", Text(root, "sub/file"));
        using HostDirectory same = sub.OpenDirectory(".");
        Assert.Equal(2, same.Read().Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Opens_no_link_no_directory_and_nothing_that_is_not_there(bool portable)
    {
        Write("file", "x", UnixFileMode.UserRead);
        File.CreateSymbolicLink(_directory["link"], "file");
        File.CreateSymbolicLink(_directory["up"], "..");
        await HostProgram.MustAsync("mkfifo", _directory["pipe"]);
        using HostDirectory root = Open(portable);

        Assert.Equal(Errno.ELOOP, ErrorOf(() => root.OpenFile("link")));
        Assert.Equal(Errno.ENOENT, ErrorOf(() => root.OpenFile("absent")));
        Assert.Contains(ErrorOf(() => root.OpenDirectory("up")), new[] { Errno.ELOOP, Errno.ENOTDIR });
        Assert.Equal(Errno.ENOTDIR, ErrorOf(() => root.OpenDirectory("file")));
        Assert.Equal(Errno.ENOENT, ErrorOf(() => root.OpenDirectory("absent")));
        Assert.Equal(Errno.EINVAL, ErrorOf(() => root.ReadLink("file")));
        // Does not wait for a writer.
        root.OpenFile("pipe").Dispose();
        Assert.Equal(Errno.ENOENT, ErrorOf(() => Open(portable, "absent")));
        Assert.Equal(Errno.ENOTDIR, ErrorOf(() => Open(portable, "file")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_directory_itself_may_be_a_link_and_names_any_text(bool portable)
    {
        string[] names = ["a b", "ä", "日本", "\\back", "c:d", "😀", "-rf", "CON", "end.", "\uFFFD"];
        Directory.CreateDirectory(_directory["real"]);
        foreach (string name in names) Write("real/" + name, name, UnixFileMode.UserRead);
        File.CreateSymbolicLink(_directory["link"], "real");
        using HostDirectory root = Open(portable, "link");

        Assert.True(root.Stat().IsDirectory);
        Assert.Equal(names.Order(StringComparer.Ordinal), root.Read().Select(item => item.Name).Order(StringComparer.Ordinal));
        Assert.All(names, name => Assert.Equal(name, Text(root, name)));
    }

    [Fact]
    public async Task A_name_that_is_no_text_is_kept_on_linux_and_told_elsewhere()
    {
        await HostProgram.MustAsync("sh", "-c", $"printf x >'{_directory.Path}'/$(printf '\\377')");
        using HostDirectory linux = Open(portable: false), portable = Open(portable: true);

        Assert.Equal("x", Text(linux, Assert.Single(linux.Read()).Name));
        Assert.Contains("a name that is not UTF-8", Assert.Throws<KimgException>(portable.Read).Message, StringComparison.Ordinal);
        // Nor could the test remove it.
        await HostProgram.MustAsync("find", _directory.Path, "-type", "f", "-delete");
    }

    [Fact]
    public void A_file_that_another_program_keeps_is_told()
    {
        Write("file", "x", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using HostDirectory portable = Open(portable: true);
        using FileLock kept = FileLock.Acquire(_directory["file"], exclusive: true);
        Assert.Contains("is kept by another program", Assert.Throws<KimgException>(() => portable.OpenFile("file")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Removing_follows_nothing_and_minds_no_modes()
    {
        Write("outside", "kept", UnixFileMode.UserRead);
        Directory.CreateDirectory(_directory["tree/locked/below"]);
        Write("tree/locked/file", "", UnixFileMode.None);
        File.CreateSymbolicLink(_directory["tree/link"], _directory.Path);
        File.SetUnixFileMode(_directory["tree/locked"], UnixFileMode.None);

        PortableDirectory.Remove(_directory["tree"]);
        PortableDirectory.Remove(_directory["tree"]);

        Assert.Equal(["outside"], Directory.EnumerateFileSystemEntries(_directory.Path).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("..\\lib\\a.so", "../lib/a.so")]
    [InlineData("plain", "plain")]
    public void A_link_of_windows_has_slashes_in_an_image(string target, string expected) => Assert.Equal(expected, PortableDirectory.FromWindows(target));

    [Theory]
    [InlineData(true, false, "wsl kimg build .")]
    [InlineData(false, true, "limactl shell default kimg build .")]
    [InlineData(false, false, "kimg binary on Linux")]
    public void What_needs_linux_says_where_it_is(bool windows, bool macos, string expected) =>
        Assert.Contains(expected, NativeCode.CommandOn(windows, macos), StringComparison.Ordinal);

    private HostDirectory Open(bool portable, string path = "") =>
        portable ? PortableDirectory.OpenRoot(_directory[path]) : LinuxDirectory.OpenRoot(_directory[path]);

    private static string Text(HostDirectory directory, string path)
    {
        using SafeFileHandle file = directory.OpenFile(path);
        var buffer = new byte[64];
        return Encoding.UTF8.GetString(buffer, 0, RandomAccess.Read(file, buffer, 0));
    }

    private static int ErrorOf(Func<object> call) => Assert.Throws<SyscallException>(call).Errno;

    private void Write(string path, string text, UnixFileMode mode)
    {
        File.WriteAllText(_directory[path], text);
        File.SetUnixFileMode(_directory[path], mode);
    }
}
