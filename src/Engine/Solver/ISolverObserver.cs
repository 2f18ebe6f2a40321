using Kimg.Engine.Graph;

namespace Kimg.Engine.Solver;

/// <summary>What the solver tells while it works; called from any thread.</summary>
internal interface ISolverObserver
{
    /// <summary>The vertex begins to execute.</summary>
    void Started(Vertex vertex);

    /// <summary>The vertex has a result, executed or <paramref name="cached"/>, or failed with <paramref name="error"/>.</summary>
    void Completed(Vertex vertex, bool cached, Exception? error);
}
