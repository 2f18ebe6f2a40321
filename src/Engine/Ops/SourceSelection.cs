using Kimg.Engine.Archive;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;

namespace Kimg.Engine.Ops;

/// <summary>The sources of a COPY or ADD found in a tree: which roots its patterns name, and what of each is taken. The same walk gives the content key and the copy.</summary>
internal sealed class SourceSelection
{
    private readonly IFileTree _tree;
    private readonly PatternMatcher? _include;
    private readonly PatternMatcher? _exclude;

    private SourceSelection(IFileTree tree, PatternMatcher? include, PatternMatcher? exclude, string source, List<ImagePath> roots)
    {
        (_tree, _include, _exclude, Source, Roots) = (tree, include, exclude, source, roots);
    }

    /// <summary>The source as written.</summary>
    public string Source { get; }

    /// <summary>The paths the source names, in order, symlinks not yet followed.</summary>
    public List<ImagePath> Roots { get; }

    /// <summary>One selection per source.</summary>
    /// <exception cref="KimgException">FileNotFoundInContext when a source matches nothing and AllowEmpty is off.</exception>
    public static IEnumerable<SourceSelection> Of(IFileTree tree, CopyAction action)
    {
        PatternMatcher? exclude = action.Excludes.IsEmpty ? null : PatternMatcher.Create(action.Excludes);
        foreach (string source in action.Sources)
        {
            (string root, PatternMatcher? include) = action.Parents ? Pivot(source) : (source, null);
            List<ImagePath> roots = Expand(tree, root, action);
            if (roots.Count == 0 && !action.AllowEmpty) throw NotFound(source);
            if (action.Parents && !GlobPattern.HasWildcards(source) && tree.Find(tree.Resolve(ImagePath.Normalize(source))) is null) throw NotFound(source);
            foreach (ImagePath path in roots)
            {
                if (tree.Find(tree.Resolve(path)) is null) throw NotFound(source);
            }

            yield return new SourceSelection(tree, include, exclude, source, roots);
        }
    }

    /// <summary>The entry a root stands for: a symlink named as a source is followed.</summary>
    public TarEntry Follow(ImagePath root) => _tree.Find(_tree.Resolve(root))!;

    /// <summary>What is selected below (and including, as the empty path) an entry, parents before children, in order. A directory that is there only because something
    /// deeper is selected comes with <see cref="Selected.Implied"/>.</summary>
    public IEnumerable<Selected> Walk(TarEntry root)
    {
        if (root.Type != EntryType.Directory)
        {
            yield return new Selected(ImagePath.Root, root, Implied: false);
            yield break;
        }

        yield return new Selected(ImagePath.Root, root, Implied: _include is not null);
        var implied = new List<Selected>();
        foreach (Selected item in Below(root, ImagePath.Root, implied)) yield return item;
    }

    private IEnumerable<Selected> Below(TarEntry directory, ImagePath at, List<Selected> implied)
    {
        foreach (TarEntry child in _tree.Children(directory.Path))
        {
            ImagePath path = at.Append(child.Path.Name);
            bool excluded = _exclude?.MatchesOrParentMatches(path.Value) ?? false;
            bool selected = !excluded && (_include?.MatchesOrParentMatches(path.Value) ?? true);
            bool isDirectory = child.Type == EntryType.Directory;
            if (selected)
            {
                foreach (Selected parent in implied) yield return parent;
                implied.Clear();
                yield return new Selected(path, child, Implied: false);
            }

            if (!isDirectory || (excluded && !_exclude!.HasExclusions)) continue;
            if (!selected && !excluded && _include?.MayMatchBelow(path.Value) == false) continue;
            int depth = implied.Count;
            if (!selected) implied.Add(new Selected(path, child, Implied: true));
            foreach (Selected item in Below(child, path, implied)) yield return item;
            if (!selected && implied.Count > depth) implied.RemoveAt(implied.Count - 1);
        }
    }

    // --parents: "a/./b/c" copies b/c of a; without a pivot the whole path, from the root.
    private static (string Root, PatternMatcher Include) Pivot(string source)
    {
        string path = source.TrimStart('/');
        int pivot = ("/" + path).IndexOf("/./", StringComparison.Ordinal);
        (string root, string pattern) = pivot < 0 ? ("/", path) : (pivot == 0 ? "/" : path[..(pivot - 1)], path[(pivot + 2)..]);
        pattern = ImagePath.Normalize(pattern).Value;
        return (root, PatternMatcher.Create([pattern.Length == 0 ? "**" : pattern]));
    }

    private static List<ImagePath> Expand(IFileTree tree, string source, CopyAction action)
    {
        string[] parts = source.Split('/', StringSplitOptions.RemoveEmptyEntries);
        int first = action.AllowWildcard ? Array.FindIndex(parts, part => GlobPattern.HasWildcards(part)) : -1;
        if (first < 0) return [ImagePath.Normalize(source)];
        var matches = new List<ImagePath> { ImagePath.Normalize(string.Join('/', parts[..first])) };
        matches[0] = tree.Resolve(matches[0]);
        for (int i = first; i < parts.Length; i++)
        {
            // As filepath.Walk: only real directories are descended into. A malformed pattern matches nothing.
            GlobPattern.TryParse(parts[i], globstar: false, out GlobPattern? pattern);
            matches = [.. matches.Where(m => tree.Find(m)?.Type == EntryType.Directory).SelectMany(tree.Children)
                .Where(child => pattern?.IsMatch(child.Path.Name) == true).Select(child => child.Path)];
        }

        return matches;
    }

    private static KimgException NotFound(string source) => new(ErrorCode.FileNotFoundInContext, $"'{source}' not found")
    {
        Hint = "paths are relative to the root of the build context (or of the stage named by --from); .dockerignore may exclude it",
    };
}

/// <param name="Path">Relative to the root of the selection.</param>
/// <param name="Entry">As in the source tree.</param>
internal readonly record struct Selected(ImagePath Path, TarEntry Entry, bool Implied);
