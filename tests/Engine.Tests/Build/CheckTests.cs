using Kimg.Engine.Build;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Build;

public sealed class CheckTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task Finds_what_the_ignore_file_leaves_out()
    {
        CheckResult result = await CheckAsync("FROM scratch AS Base\nCOPY secret.txt /\n");
        Assert.Equal(["CopyIgnoredFile", "StageNameCasing"], result.Warnings.Select(w => w.Rule).Order(StringComparer.Ordinal));
        Assert.Null(result.Error);
    }

    [Fact]
    public async Task What_would_not_build_is_a_result()
    {
        CheckResult result = await CheckAsync("FROM scratch\nCOPI a b\n");
        Assert.Equal(ErrorCode.UnknownInstruction, result.Error?.Code);
        Assert.Equal(2, result.Error?.Span?.StartLine);
    }

    private async Task<CheckResult> CheckAsync(string dockerfile)
    {
        string context = Directory.CreateDirectory(_temp["context"]).FullName;
        await File.WriteAllTextAsync(Path.Combine(context, ".dockerignore"), "*.txt\n");
        await File.WriteAllTextAsync(Path.Combine(context, "Dockerfile"), dockerfile);
        await using var builder = ImageBuilder.Create(new BuilderOptions { StateDirectory = _temp["state"] });
        return await builder.CheckAsync(new BuildRequest { Context = new DirectoryContext(context) });
    }
}
