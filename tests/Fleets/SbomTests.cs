using System.Text.Json;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Fleets;

public sealed class SbomTests
{
    [Fact]
    public async Task The_bill_of_materials_is_valid_and_names_what_is_linked()
    {
        using JsonDocument read = await ReadAsync();
        string[] names = [.. read.RootElement.GetProperty("spdx").EnumerateArray().Select(p => p.GetProperty("name").GetString()!).Order(StringComparer.Ordinal)];
        Assert.Equal(
            [
                "System.CommandLine", "brotli", "bzip2", "gcc", "glibc", "kimg", "libzstd", "llvm-libunwind", "openssl", "runtime.linux-x64.Microsoft.DotNet.ILCompiler", "xz-utils",
                "zlib-ng",
            ],
            names);
        Assert.Equal(
            names.Where(n => n != "kimg"),
            read.RootElement.GetProperty("cyclonedx").EnumerateArray().Select(p => p.GetProperty("name").GetString()!).Order(StringComparer.Ordinal));
        string sum = Digest.Sha256(await File.ReadAllBytesAsync(RepositoryFiles.Kimg)).Hex;
        Assert.All(read.RootElement.GetProperty("sha256").EnumerateArray(), found => Assert.Equal(sum, found.GetString()));
        Assert.All(read.RootElement.GetProperty("created").EnumerateArray(), time => Assert.Equal("2023-11-14T22:13:20Z", time.GetString()));
    }

    /// <summary>The libraries say their versions themselves.</summary>
    [Theory]
    [InlineData("openssl", "OpenSSL {0} ", "libssl-dev")]
    [InlineData("bzip2", "{0}, 13-Jul-2019", "libbz2-dev")]
    public async Task Versions_are_those_in_the_binary(string name, string text, string package)
    {
        using JsonDocument read = await ReadAsync();
        JsonElement found = read.RootElement.GetProperty("spdx").EnumerateArray().Single(p => p.GetProperty("name").GetString() == name);
        string wanted = string.Format(System.Globalization.CultureInfo.InvariantCulture, text, found.GetProperty("version").GetString());
        Assert.Equal(0, (await HostProgram.RunAsync("grep", ["-qaF", wanted, RepositoryFiles.Kimg])).ExitCode);
        Assert.Equal("deb debian " + package, string.Join(' ', new[] { "type", "namespace", "name" }.Select(p => found.GetProperty("purl").GetProperty(p).GetString())));
    }

    [Fact]
    public async Task A_library_that_nobody_has_looked_at_is_not_released()
    {
        using TempDirectory directory = new();
        await File.WriteAllTextAsync(directory["inputs"], "archive\t/usr/lib/x86_64-linux-gnu/libc.a\narchive\t/opt/libsecret.a\n");
        ProgramResult result = await HostProgram.RunAsync(
            "python3", [RepositoryFiles.Path("scripts/sbom.py"), RepositoryFiles.Kimg, directory["inputs"], "kimg", "1.0.0", directory["out"]]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("/opt/libsecret.a is linked", result.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(directory["out.spdx.json"]));
    }

    private static async Task<JsonDocument> ReadAsync()
    {
        string release = await ReleaseImage.DirectoryAsync();
        ProgramResult result = await NodeTools.CheckAsync(
            "sbom.mjs", RepositoryFiles.Path("tests/Fleets/schemas/spdx-2.3.schema.json"), Path.Combine(release, "kimg-linux-amd64.spdx.json"),
            Path.Combine(release, "kimg-linux-amd64.cdx.json"));
        Assert.True(result.ExitCode == 0, result.Errors);
        return JsonDocument.Parse(result.Output);
    }
}
