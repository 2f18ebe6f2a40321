using System.Collections.Immutable;

namespace Kimg.Tasks;

/// <summary>Asks what names stand for now, all in one process, which runs while the task does something else.</summary>
/// <param name="locations">As <c>kimg inspect --digest</c> takes them; none: nothing is started.</param>
internal sealed class DigestQuestions(KimgProcess kimg, IEnumerable<string> options, ImmutableArray<string> locations) : IDisposable
{
    private readonly ChildProcess? _child = locations.IsEmpty ? null : kimg.Start(["inspect", "--digest", .. options, .. locations]);

    /// <returns>A digest for each; empty when one of them could not be answered.</returns>
    public ImmutableArray<string> Answers()
    {
        if (_child is null) return [];
        ProcessAnswer answer = _child.Finish(static _ => { });
        return answer.ExitCode == 0 ? [.. answer.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)] : [];
    }

    public void Dispose() => _child?.Dispose();
}
