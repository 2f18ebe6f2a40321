using Kimg.Engine.Archive;

namespace Kimg.Engine.Snapshots;

/// <summary>An entry that a layer will have; a regular file has a source of its bytes, nothing else has.</summary>
internal sealed record PlanEntry(TarEntry Entry, ByteSource? Source = null);
