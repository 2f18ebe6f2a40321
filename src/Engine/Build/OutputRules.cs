using Kimg.Engine.Primitives;

namespace Kimg.Engine.Build;

/// <summary>What must hold among the outputs of one request, found out before anything is built.</summary>
internal static class OutputRules
{
    /// <exception cref="KimgException">InvalidOutput.</exception>
    internal static void Check(BuildRequest request)
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (OutputSpec output in request.Outputs)
        {
            string type = output.Type.ToString().ToLowerInvariant();
            bool toFile = output.Type is not (OutputType.Image or OutputType.CacheOnly);
            if (output.Push && output.Names.IsEmpty && request.Names.IsEmpty) throw Invalid("a name is needed to push", "add -t REGISTRY/NAME:TAG");
            if (!toFile) continue;
            if (output.Destination is not { } destination) throw Invalid($"output type '{type}' needs a destination", "add dest=PATH, or dest=- for stdout");
            if (destination == "-" && !taken.Add(destination)) throw Invalid("only one output can go to stdout", "give the others dest=FILE");
            if (destination != "-" && !taken.Add(Path.TrimEndingDirectorySeparator(Path.GetFullPath(destination))))
                throw Invalid($"two outputs write to '{destination}'", "give each a dest= of its own");
        }
    }

    private static KimgException Invalid(string message, string hint) => new(ErrorCode.InvalidOutput, message) { Hint = hint };
}
