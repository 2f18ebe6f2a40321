using System.Collections.Immutable;

namespace Kimg.Tasks;

/// <summary>Asks what names stand for now, all in one process, which runs while the task does something else, and then waits for the command that the answers
/// lead to.</summary>
/// <param name="locations">As <c>kimg inspect --digest</c> takes them; none: nothing is started.</param>
internal sealed class DigestQuestions(KimgProcess kimg, IEnumerable<string> options, ImmutableArray<string> locations) : IDisposable
{
    private readonly ChildProcess? _child = locations.IsEmpty ? null : kimg.StartAndWait(["inspect", "--digest", .. options, .. locations]);

    /// <returns>A digest for each; empty when one of them could not be answered.</returns>
    /// <exception cref="OperationCanceledException">The process is gone by then.</exception>
    public ImmutableArray<string> Answers()
    {
        if (_child is null) return [];
        ImmutableArray<string>.Builder digests = ImmutableArray.CreateBuilder<string>();
        while (_child.ReadLine() is { } line)
        {
            if (!line.StartsWith(KimgProcess.End, StringComparison.Ordinal))
            {
                digests.Add(line);
                continue;
            }

            kimg.Next = _child;
            return line == KimgProcess.End + "0" ? digests.ToImmutable() : [];
        }

        // Another binary (KimgBinary) may not know how to wait.
        _child.ThrowIfCanceled();
        return [];
    }

    public void Dispose()
    {
        kimg.Next?.Leave();
        kimg.Next = null;
        _child?.Dispose();
    }
}
