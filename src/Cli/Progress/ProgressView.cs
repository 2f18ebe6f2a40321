using Kimg.Engine.Build;

namespace Kimg.Cli.Progress;

/// <summary>A way of showing a build. Called from one thread at a time.</summary>
internal abstract class ProgressView : IBuildObserver
{
    public abstract void OnEvent(BuildEvent e);

    /// <summary>Time passes without events: clocks on the screen, output that was held back.</summary>
    public virtual void Tick(DateTimeOffset now)
    {
    }

    /// <summary>The build is over; what is held back is shown, and the terminal is as it was.</summary>
    public virtual void Finish(DateTimeOffset now)
    {
    }
}

/// <summary>Shows nothing.</summary>
internal sealed class NoProgress : ProgressView
{
    public override void OnEvent(BuildEvent e)
    {
    }
}
