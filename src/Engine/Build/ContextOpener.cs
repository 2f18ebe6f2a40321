using System.Collections.Concurrent;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sources;

namespace Kimg.Engine.Build;

/// <summary>The local directories of a build by name: the main context and --build-context ones, opened once, with their ignore files.</summary>
internal sealed class ContextOpener(StateLayout state, TimeProvider time) : IDisposable
{
    /// <summary>The name of the main context in <see cref="LocalSourceOp"/>.</summary>
    public const string Main = "context";

    private readonly ConcurrentDictionary<string, (string Directory, Func<PatternMatcher?> Ignore, ContextHeaders? Headers)> _directories = new();
    private readonly ConcurrentDictionary<string, OciLayout> _layouts = new();
    private readonly ConcurrentDictionary<string, Lazy<ContextTree>> _open = new();
    private readonly ConcurrentBag<ContextDigests> _digests = [];

    /// <param name="ignore">Finds what is hidden when the directory is opened.</param>
    /// <param name="headers">Null: the files' own.</param>
    public void Add(string name, string directory, Func<PatternMatcher?> ignore, ContextHeaders? headers)
    {
        if (!Directory.Exists(directory))
        {
            throw new KimgException(ErrorCode.ContextNotFound, File.Exists(directory) ? $"the build context '{directory}' is a file" : $"no directory '{directory}' to build from")
            {
                Hint = "the build context is the last argument of kimg build: a directory, a URL, or - for stdin",
            };
        }

        _directories[name] = (directory, ignore, headers);
    }

    public ContextTree Open(LocalSourceOp op) => _open.GetOrAdd(op.Name, name => new Lazy<ContextTree>(() => OpenNew(name))).Value;

    /// <summary>A checkout that lives as long as the build; nothing in it is hidden.</summary>
    public ContextTree Open(GitCheckout checkout) => _open.GetOrAdd(checkout.Directory, path => new Lazy<ContextTree>(() => Open(path, null, null, null))).Value;

    /// <param name="name">Of the named context.</param>
    public void Add(string name, OciLayout layout) => _layouts[name] = layout;

    public OciLayout Layout(string name) => _layouts[name];

    /// <summary>Keeps the digests that were computed, for the next build.</summary>
    public void SaveDigests()
    {
        foreach (ContextDigests digests in _digests) digests.Save();
    }

    public void Dispose()
    {
        foreach (ContextDigests digests in _digests) digests.Dispose();
        foreach (Lazy<ContextTree> tree in _open.Values.Where(tree => tree.IsValueCreated)) tree.Value.Dispose();
    }

    private ContextTree OpenNew(string name)
    {
        (string directory, Func<PatternMatcher?> ignore, ContextHeaders? headers) = _directories[name];
        bool temporary = directory.StartsWith(state.Temporary + "/", StringComparison.Ordinal);
        return Open(directory, ignore(), temporary ? null : Path.Combine(state.Contexts, Digest.Sha256(directory).Hex), headers);
    }

    private ContextTree Open(string directory, PatternMatcher? ignore, string? digestFile, ContextHeaders? headers)
    {
        var digests = new ContextDigests(digestFile, state.Ingest, time);
        _digests.Add(digests);
        return new ContextTree(directory, ignore, digests, headers);
    }
}
