using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Sandbox;

/// <summary>Files that are named as emulators.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class EmulatorFileTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData("/usr/bin/qemu-aarch64-static")]
    [InlineData("/bin/busybox")]
    public void A_static_program_can_be_one(string path) => Assert.Null(EmulatorFile.Problem(path));

    [Fact]
    public void A_program_that_needs_libraries_cannot_be_one_for_the_image_has_none_of_them() =>
        Assert.Contains("it is dynamically linked (/lib", EmulatorFile.Problem("/bin/bash"), StringComparison.Ordinal);

    [Fact]
    public void A_file_that_nobody_may_execute_is_none()
    {
        string path = Copy("/usr/bin/qemu-aarch64-static");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.Contains("it is not executable", EmulatorFile.Problem(path), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_for_another_machine_needs_one_itself() =>
        Assert.Contains("it is a program for linux/arm64", EmulatorFile.Problem(await ForeignPrograms.BusyboxAsync()), StringComparison.Ordinal);

    [Theory]
    [InlineData("#!/bin/sh\nexec qemu-aarch64-static \"$@\"\n")]
    [InlineData("")]
    [InlineData("\u007fELF")]
    public void Neither_a_script_nor_a_piece_of_a_program_is_one(string text)
    {
        File.WriteAllText(_temp["file"], text);
        File.SetUnixFileMode(_temp["file"], (UnixFileMode)0b111_101_101);
        Assert.Contains("it is no program", EmulatorFile.Problem(_temp["file"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Headers_that_lie_about_their_place_are_read_no_further()
    {
        string path = Copy("/bin/bash");
        byte[] bytes = File.ReadAllBytes(path);
        bytes.AsSpan(32, 8).Fill(0x7f);
        File.WriteAllBytes(path, bytes);
        Assert.Contains("it is no program", EmulatorFile.Problem(path), StringComparison.Ordinal);
    }

    [Fact]
    public void One_that_is_not_there_is_not_there() => Assert.Contains("there is no such file", EmulatorFile.Problem(_temp["none"]), StringComparison.Ordinal);

    [Fact]
    public void A_step_is_told_what_is_wrong_with_the_one_that_was_named()
    {
        var named = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add("arm64", "/bin/bash");
        KimgException error = Assert.Throws<KimgException>(() => new Emulators(named).Find("arm64"));
        Assert.Contains("dynamically linked", error.Message, StringComparison.Ordinal);
        Assert.Contains("qemu-user-static", error.Hint, StringComparison.Ordinal);
    }

    private string Copy(string path)
    {
        File.Copy(path, _temp["copy"]);
        File.SetUnixFileMode(_temp["copy"], (UnixFileMode)0b111_101_101);
        return _temp["copy"];
    }
}
