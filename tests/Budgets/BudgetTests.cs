using System.Globalization;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Budgets;

public sealed class BudgetTests : IDisposable
{
    /// <summary>Instructions differ by a hundredth where threads take turns, memory by more: it depends on when the collector runs.</summary>
    private const double Instructions = 0.05, Memory = 0.25, Calls = 0.02, Exact = 0;

    private readonly TempDirectory _directory = new();
    private readonly Measured _kimg;

    public BudgetTests() => _kimg = new Measured(_directory["state"]);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Start() => Budget.Check("instructions.start", await _kimg.InstructionsAsync("version"), Instructions);

    [Fact]
    public void Size_of_the_binary() => Assert.InRange(new FileInfo(RepositoryFiles.Kimg).Length, 1, 25_000_000);

    [Fact]
    public async Task Parse_and_lower()
    {
        string context = await ContextAsync(files: 1, instructions: 1000);
        Budget.Check("instructions.parse", await _kimg.InstructionsAsync("build", "--check", context), Instructions);
    }

    [Fact]
    public async Task Nothing_changed()
    {
        string[] build = ["build", "-o", "type=cacheonly", await ContextAsync(files: 100, instructions: 10)];
        await _kimg.RunAsync(build);
        Budget.Check("instructions.noop", await _kimg.InstructionsAsync(build), Instructions);
        Budget.Check("processes.noop", await _kimg.ProcessesAsync(build), Exact);
        Budget.Check("memory.noop", await _kimg.MemoryAsync(build), Memory);
    }

    [Fact]
    public async Task A_tar_of_many_files()
    {
        string context = await ContextAsync(files: 2000, instructions: 1);
        string[] build = ["build", "--no-cache", "-o", $"type=oci,dest={_directory["image.tar"]}", context];
        Budget.Check("instructions.tar", await _kimg.InstructionsAsync(build), Instructions);
        Budget.Check("processes.tar", await _kimg.ProcessesAsync(build), Exact);
        Budget.Check("memory.tar", await _kimg.MemoryAsync(build), Memory);
    }

    /// <summary>The changes of a step are found by the worker, in another process: what it asks the kernel for is what it costs.</summary>
    [Fact]
    public async Task The_layer_of_a_step_that_writes_files()
    {
        string context = Directory.CreateDirectory(_directory["step"]).FullName;
        File.Copy("/bin/busybox", Path.Combine(context, "busybox"));
        await File.WriteAllTextAsync(Path.Combine(context, "Dockerfile"), """
            FROM scratch
            COPY busybox /bin/busybox
            RUN ["/bin/busybox", "sh", "-c", "i=0; while [ $i -lt 2000 ]; do echo $i > /$i; i=$((i+1)); done"]
            """);
        string[] build = ["build", "--no-cache", "-o", $"type=oci,dest={_directory["image.tar"]}", context];
        Budget.Check("calls.diff", await _kimg.FileCallsAsync(build), Calls);
        Budget.Check("processes.diff", await _kimg.ProcessesAsync(build), Exact);
        Budget.Check("memory.diff", await _kimg.MemoryAsync(build), Memory);
    }

    [Fact]
    public async Task Many_bytes_take_no_more_memory_than_fewer()
    {
        string few = await ContextAsync(files: 1000, instructions: 1, size: 50_000), many = await ContextAsync(files: 1000, instructions: 1, size: 200_000);
        string output = $"type=oci,dest={_directory["image.tar"]}";
        long small = await _kimg.MemoryAsync("build", "--no-cache", "-o", output, few), large = await _kimg.MemoryAsync("build", "--no-cache", "-o", output, many);

        // As many files, four times the bytes, more than either takes.
        Assert.InRange(large, 0, small * 5 / 4);
    }

    [Fact]
    public async Task Bytes_and_requests_of_a_build_that_pushes()
    {
        using DebianRegistry registry = await DebianRegistry.StartAsync();
        await using CountingProxy proxy = CountingProxy.Start(registry.Host);
        string context = await ContextAsync(files: 100, instructions: 1, size: 10_000);
        await _kimg.RunAsync("build", "-t", $"{proxy.Host}/budget/base:1", "--push", context);
        Budget.Check("requests.push", proxy.Requests, Exact);
        Budget.Check("bytes.push", proxy.Bytes, Memory);

        await File.WriteAllTextAsync(_directory["Dockerfile"], $"FROM {proxy.Host}/budget/base:1\nCOPY Dockerfile /\n");
        string[] onBase = ["build", "-f", _directory["Dockerfile"], "-t", $"{proxy.Host}/budget/app:1", "--push", _directory.Path];
        proxy.Reset();
        await _kimg.RunAsync(onBase);
        Budget.Check("requests.push-on-base", proxy.Requests, Exact);
        Budget.Check("bytes.push-on-base", proxy.Bytes, Memory);

        proxy.Reset();
        await _kimg.RunAsync(onBase);
        Budget.Check("requests.noop-push", proxy.Requests, Exact);
        Budget.Check("bytes.noop-push", proxy.Bytes, Memory);
    }

    /// <summary>A context without a base: its steps copy files and set variables. The same bytes in every run.</summary>
    private async Task<string> ContextAsync(int files, int instructions, int size = 1000)
    {
        string context = Directory.CreateDirectory(_directory[$"context-{files}-{instructions}-{size}"]).FullName;
        Random random = new(files);
        byte[] content = new byte[size];
        for (int i = 0; i < files; i++)
        {
            random.NextBytes(content);
            string folder = Directory.CreateDirectory(Path.Combine(context, "files", (i / 100).ToString(CultureInfo.InvariantCulture))).FullName;
            await File.WriteAllBytesAsync(Path.Combine(folder, $"{i}"), content);
        }

        IEnumerable<string> variables = Enumerable.Range(0, instructions).Select(i => $"ENV NAME{i}=\"value{(i == 0 ? "" : $" $NAME{i - 1}")}\"\n");
        await File.WriteAllTextAsync(Path.Combine(context, "Dockerfile"), $"FROM scratch\nCOPY files /files\nWORKDIR /files\n{string.Concat(variables)}");
        return context;
    }
}
