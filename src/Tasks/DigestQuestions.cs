using System.Collections.Immutable;

namespace Kimg.Tasks;

/// <summary>Asks what names stand for now, all in one process, which runs while the task does something else, and then waits for the command that the answers
/// lead to. What was asked is kept in obj: mostly the next build asks the same, and so it can begin with that before it knows.</summary>
internal sealed class DigestQuestions : IDisposable
{
    private readonly KimgProcess _kimg;
    private readonly string _file;
    private ImmutableArray<string> _asked = [];
    private ChildProcess? _child;

    /// <summary>Begins with what the last build asked.</summary>
    /// <param name="directory">Where that is kept.</param>
    /// <param name="again">False: it is not known yet that anything may be asked.</param>
    public DigestQuestions(KimgProcess kimg, string directory, bool again)
    {
        (_kimg, _file) = (kimg, Path.Combine(directory, "questions"));
        if (again && File.Exists(_file)) Start([.. File.ReadAllLines(_file)]);
    }

    /// <summary>Asks this; nothing new when it is what was begun with.</summary>
    /// <param name="locations">As <c>kimg inspect --digest</c> takes them; none: nothing is asked.</param>
    public void Ask(IEnumerable<string> options, ImmutableArray<string> locations)
    {
        ImmutableArray<string> asked = locations.IsEmpty ? [] : ["inspect", "--digest", .. options, .. locations];
        if (asked.SequenceEqual(_asked)) return;
        Stop();
        if (!asked.IsEmpty) Start(asked);
        File.WriteAllLines(_file, asked);
    }

    /// <returns>A digest for each; empty when one of them could not be answered.</returns>
    /// <exception cref="OperationCanceledException">The process is gone by then.</exception>
    public ImmutableArray<string> Answers()
    {
        if (_child is null) return [];
        ImmutableArray<string>.Builder digests = ImmutableArray.CreateBuilder<string>();
        while (_child.ReadLine() is { } line)
        {
            if (!line.StartsWith(ChildProcess.End, StringComparison.Ordinal))
            {
                digests.Add(line);
                continue;
            }

            _kimg.Next = _child;
            return line == ChildProcess.End + "0" ? digests.ToImmutable() : [];
        }

        // Another binary (KimgBinary) may not know how to wait.
        _child.ThrowIfCanceled();
        return [];
    }

    public void Dispose() => Stop();

    private void Start(ImmutableArray<string> asked)
    {
        if (asked.IsEmpty) return;
        _asked = asked;
        _child = _kimg.StartAndWait(asked);
    }

    private void Stop()
    {
        _kimg.Next?.Leave();
        _kimg.Next = null;
        _child?.Dispose();
        (_child, _asked) = (null, []);
    }
}
