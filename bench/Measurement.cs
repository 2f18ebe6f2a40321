using System.Collections.Immutable;

namespace Kimg.Bench;

/// <summary>What some repetitions of one row gave for one builder: seconds, or bytes.</summary>
internal sealed record Measurement(ImmutableArray<double> Values)
{
    public double Median { get; } = Values.Order().ElementAt(Values.Length / 2);

    public double Least => Values.Min();

    public double Most => Values.Max();
}
