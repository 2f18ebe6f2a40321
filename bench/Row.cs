namespace Kimg.Bench;

/// <summary>One thing that is measured, for every builder in turn.</summary>
internal abstract class Row
{
    /// <summary>Short, for --only.</summary>
    public abstract string Name { get; }

    public abstract string Title { get; }

    /// <summary>kimg's figure over docker buildx's that is to be reached, and the goal beyond it.</summary>
    public abstract (double Least, double Goal) Target { get; }

    /// <summary>Repetitions for each one that was asked for: quick rows are repeated more.</summary>
    public virtual int Weight => 1;

    public virtual bool IsMemory => false;

    public abstract Task PrepareAsync(Workbench bench);

    /// <summary>Called before the builders have their turns in a repetition; negative: the warm-up, whose figures are dropped.</summary>
    public virtual Task BeforeAsync(Workbench bench, int repetition) => Task.CompletedTask;

    /// <summary>Seconds, or bytes.</summary>
    public abstract Task<double> MeasureAsync(Workbench bench, Builder builder, int repetition);
}
