namespace Kimg.Engine.Primitives;

/// <summary>A path inside an image: <c>/</c>-separated, no leading or trailing slash, no empty, <c>.</c> or <c>..</c> part; the root is "".
/// Bytes that are not UTF-8 are carried as lone surrogates U+DC80…U+DCFF (see <see cref="PathText"/>), so every Linux name round-trips.
/// Ordered by the bytes of its parts, a directory directly before what it contains.</summary>
public readonly record struct ImagePath : IComparable<ImagePath>
{
    private readonly string? _value;

    private ImagePath(string value) => _value = value;

    public static ImagePath Root => default;

    public string Value => _value ?? "";

    public bool IsRoot => Value.Length == 0;

    public string Name => Value[(Value.LastIndexOf('/') + 1)..];

    public ImagePath Parent => Value.LastIndexOf('/') is var slash and >= 0 ? new ImagePath(Value[..slash]) : Root;

    /// <summary>Normalises lexically: <c>a//b/./../c</c> is <c>a/c</c>; <c>..</c> never climbs above the root.</summary>
    public static ImagePath Normalize(string path)
    {
        var parts = new List<string>();
        foreach (string part in path.Split('/'))
        {
            if (part is "" or ".") continue;
            if (part != "..") parts.Add(part);
            else if (parts.Count > 0) parts.RemoveAt(parts.Count - 1);
        }

        return new ImagePath(string.Join('/', parts));
    }

    /// <summary>Takes a path that is already normal, without looking.</summary>
    internal static ImagePath Trusted(string normalized) => new(normalized);

    /// <summary>This path with one name appended; the name must hold no slash.</summary>
    public ImagePath Append(string name) => new(IsRoot ? name : Value + "/" + name);

    /// <summary>This path with a relative path appended, normalised lexically.</summary>
    public ImagePath Combine(string relative) => relative.StartsWith('/') ? Normalize(relative) : Normalize(Value + "/" + relative);

    public string[] Parts => IsRoot ? [] : Value.Split('/');

    /// <summary>True for this path itself and everything below it.</summary>
    public bool Contains(ImagePath other) =>
        IsRoot || (other.Value.StartsWith(Value, StringComparison.Ordinal)
            && (other.Value.Length == Value.Length || other.Value[Value.Length] == '/'));

    public int CompareTo(ImagePath other) => PathText.Compare(Value, other.Value);

    public static bool operator <(ImagePath left, ImagePath right) => left.CompareTo(right) < 0;

    public static bool operator >(ImagePath left, ImagePath right) => left.CompareTo(right) > 0;

    public static bool operator <=(ImagePath left, ImagePath right) => left.CompareTo(right) <= 0;

    public static bool operator >=(ImagePath left, ImagePath right) => left.CompareTo(right) >= 0;

    public override string ToString() => "/" + Value;
}
