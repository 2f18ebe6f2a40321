using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sources;

/// <summary>What an archive said of a file that was unpacked from it: the user who unpacks can give it neither the owner nor a mode he cannot read.</summary>
internal readonly record struct ContextHeader(int Mode, uint Uid, uint Gid);

/// <summary>Finds the header of a path of a context; null: the file's own.</summary>
internal delegate ContextHeader? ContextHeaders(ImagePath path);
