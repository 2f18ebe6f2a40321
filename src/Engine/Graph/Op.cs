using System.Text.Json.Serialization;

namespace Kimg.Engine.Graph;

/// <summary>What a vertex does: pure data. Its digest (<see cref="OpDigest"/>) covers every property but those marked
/// <see cref="JsonIgnoreAttribute"/>, which never change what the operation produces.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "op")]
[JsonDerivedType(typeof(ScratchOp), "scratch")]
[JsonDerivedType(typeof(ImageSourceOp), "image")]
[JsonDerivedType(typeof(LocalSourceOp), "local")]
[JsonDerivedType(typeof(GitSourceOp), "git")]
[JsonDerivedType(typeof(HttpSourceOp), "http")]
[JsonDerivedType(typeof(OciLayoutSourceOp), "oci-layout")]
[JsonDerivedType(typeof(ExecOp), "exec")]
[JsonDerivedType(typeof(FileOp), "file")]
[JsonDerivedType(typeof(MergeOp), "merge")]
public abstract record Op;

/// <summary>The empty tree.</summary>
public sealed record ScratchOp : Op;

/// <summary>Stacks the layers of inputs 1…n on input 0 without looking at it (COPY --link).</summary>
public sealed record MergeOp : Op;
