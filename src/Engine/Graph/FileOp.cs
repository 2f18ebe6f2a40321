using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Kimg.Engine.Graph;

/// <summary>Changes files of input 0; everything together is one layer. Actions see the effects of those before them.</summary>
public sealed record FileOp(ImmutableArray<FileAction> Actions) : Op
{
    /// <summary>mtime of directories and files the actions make themselves, seconds since 1970 (SOURCE_DATE_EPOCH); null: 0, so that a
    /// layer is a function of its inputs. Copied files keep their own.</summary>
    public long? CreatedTime { get; init; }
}

[JsonPolymorphic(TypeDiscriminatorPropertyName = "action")]
[JsonDerivedType(typeof(CopyAction), "copy")]
[JsonDerivedType(typeof(MkFileAction), "mkfile")]
[JsonDerivedType(typeof(MkDirAction), "mkdir")]
public abstract record FileAction;

/// <summary>COPY and ADD from an input.</summary>
/// <param name="Input">Index of the vertex input the sources are in.</param>
/// <param name="Sources">Paths or (with AllowWildcard) Go filepath.Match patterns, rooted at the input's root.</param>
/// <param name="Destination">Absolute path; a trailing slash means "a directory".</param>
public sealed record CopyAction(int Input, ImmutableArray<string> Sources, string Destination) : FileAction
{
    /// <summary><c>user[:group]</c> by name (looked up in input 0) or number; null: 0:0 from contexts and URLs, kept from stages and
    /// images.</summary>
    public string? Owner { get; init; }

    /// <summary>Octal ("0755") or symbolic ("u=rwX,go=rX") mode; null: kept.</summary>
    public string? Mode { get; init; }

    public bool AllowWildcard { get; init; } = true;

    /// <summary>False: a source that matches nothing is an error.</summary>
    public bool AllowEmpty { get; init; }

    /// <summary>Recognised archives are unpacked at the destination (ADD).</summary>
    public bool Unpack { get; init; }

    /// <summary>The contents of a source directory are copied, not the directory (always so for COPY/ADD without --parents).</summary>
    public bool ContentsOnly { get; init; } = true;

    /// <summary>--parents: the source's path, from its <c>./</c> pivot on, is kept below the destination.</summary>
    public bool Parents { get; init; }

    /// <summary>A symlink named as the source is followed.</summary>
    public bool FollowSymlinks { get; init; }

    public ImmutableArray<string> Excludes { get; init; } = [];

    /// <summary>Existing files of another type are replaced instead of being an error (COPY --link, BuildKit's AlwaysReplace).</summary>
    public bool Replace { get; init; }
}

/// <summary>A file with given content (heredocs). Mode: permission bits.</summary>
public sealed record MkFileAction(string Path, int Mode, byte[] Content) : FileAction
{
    public string? Owner { get; init; }

    /// <summary>Overrides <see cref="Mode"/> with --chmod's text.</summary>
    public string? ModeText { get; init; }
}

/// <summary>A directory and its missing parents (WORKDIR). An existing directory is left as it is.</summary>
public sealed record MkDirAction(string Path, int Mode) : FileAction
{
    public string? Owner { get; init; }
}
