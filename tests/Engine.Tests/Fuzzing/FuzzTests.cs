using System.Diagnostics;
using System.Globalization;
using Kimg.Engine.Primitives;
using Kimg.Engine.Tests.Dockerfile;
using Xunit;
using Xunit.Abstractions;

namespace Kimg.Engine.Tests.Fuzzing;

/// <summary>Arbitrary input is read or refused, in time and memory that its size bounds. The suite tries a few thousand inputs, the same every time;
/// <c>./build.sh fuzz MINUTES</c> others for as long as it may, and leaves what breaks a reader in artifacts/fuzz.</summary>
public sealed class FuzzTests(ITestOutputHelper output)
{
    private const int Rounds = 1500, MaxMemory = 256 << 20;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    public static TheoryData<string> Targets => [.. FuzzTarget.All.Select(t => t.Name)];

    [Theory, MemberData(nameof(Targets))]
    public void Some_thousand_inputs_are_read_or_refused(string target) => Fuzz(Find(target), 20261121, rounds => rounds < Rounds);

    /// <summary>What once broke a reader (tests/vectors/fuzz), or is meant to.</summary>
    [Theory, MemberData(nameof(Targets))]
    public void The_inputs_themselves_are_read_or_refused(string target)
    {
        FuzzTarget found = Find(target);
        byte[][] extremes = [[], [0], [0xff, 0xfe], new byte[4096], [.. Enumerable.Repeat((byte)'[', 60_000)], [.. Enumerable.Repeat((byte)'{', 60_000)]];
        string kept = Path.Combine(VectorCase.Repository, "tests", "vectors", "fuzz", target);
        IEnumerable<byte[]> once = Directory.Exists(kept) ? Directory.GetFiles(kept).Order(StringComparer.Ordinal).Select(File.ReadAllBytes) : [];
        foreach (byte[] input in (IEnumerable<byte[]>)[.. found.Seeds, .. extremes, .. once]) Try(found, input);
    }

    [Fact]
    [Trait("Category", "Fuzz")]
    public void Nothing_breaks_for_as_long_as_it_is_asked()
    {
        string? minutes = Environment.GetEnvironmentVariable("KIMG_FUZZ_MINUTES");
        TimeSpan each = TimeSpan.FromMinutes(double.Parse(minutes ?? "1", CultureInfo.InvariantCulture)) / FuzzTarget.All.Count;
        foreach (FuzzTarget target in FuzzTarget.All)
        {
            int seed = Random.Shared.Next();
            var clock = Stopwatch.StartNew();
            int done = Fuzz(target, seed, _ => clock.Elapsed < each);
            output.WriteLine($"{target.Name}: {done} inputs, seed {seed}");
        }
    }

    private static FuzzTarget Find(string name) => FuzzTarget.All.Single(t => t.Name == name);

    private static int Fuzz(FuzzTarget target, int seed, Func<int, bool> goOn)
    {
        var random = new Random(seed);
        var mutator = new Mutator(random, target.Words);
        List<byte[]> corpus = [.. target.Seeds];
        int rounds = 0;
        for (; goOn(rounds); rounds++)
        {
            byte[] input = mutator.Mutate(corpus[random.Next(corpus.Count)], corpus[random.Next(corpus.Count)]);

            // What is read to its end is a better beginning for the next than what was refused at once.
            if (Try(target, input) && corpus.Count < 2000) corpus.Add(input);
        }

        return rounds;
    }

    /// <returns>False when it was refused.</returns>
    private static bool Try(FuzzTarget target, byte[] input)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var clock = Stopwatch.StartNew();
        bool read = IsRead(target, input);
        if (clock.Elapsed > s_patience) throw new TimeoutException($"{target.Name} takes {clock.Elapsed} for {Keep(target, input)}");
        long memory = GC.GetAllocatedBytesForCurrentThread() - before;
        return memory <= MaxMemory ? read : throw new InsufficientMemoryException($"{target.Name} takes {memory} bytes for {Keep(target, input)}");
    }

    private static bool IsRead(FuzzTarget target, byte[] input)
    {
        try
        {
            target.Read(input);
            return true;
        }
        catch (Exception error) when (error is KimgException || target.Refusals.Contains(error.GetType()))
        {
            return false;
        }
        catch (Exception error)
        {
            throw new InvalidOperationException($"{target.Name} breaks on {Keep(target, input)}: {error.GetType().Name}: {error.Message}", error);
        }
    }

    private static string Keep(FuzzTarget target, byte[] input)
    {
        string folder = Directory.CreateDirectory(Path.Combine(VectorCase.Repository, "artifacts", "fuzz")).FullName;
        string file = Path.Combine(folder, $"{target.Name}-{Digest.Sha256(input).Hex[..16]}");
        File.WriteAllBytes(file, input);
        return file;
    }
}
