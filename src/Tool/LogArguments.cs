namespace Kimg.Tool;

/// <summary>The options of kimg that say what is shown, as MSBuild's, which is what shows the build of a project.</summary>
internal static class LogArguments
{
    /// <exception cref="UsageException">MSBuild has nothing of the kind.</exception>
    public static IEnumerable<string> Of(CommandLine line)
    {
        if (line.Last("log-format") is { } format and not "text")
            throw new UsageException($"--log-format={format} is for Dockerfile directories: a project's log is MSBuild's (-bl writes a binary one)");
        string? verbosity = line.Last("verbosity") ?? (line.Flag("debug") ? "detailed" : null);
        switch (line.Last("progress"))
        {
            case null or "auto": break;
            case "tty": yield return "-tl:on"; break;
            case "plain":
                yield return "-tl:off";
                verbosity ??= "normal";
                break;
            case "quiet" or "none": verbosity ??= "quiet"; break;
            case var other:
                throw new UsageException($"--progress={other} is for Dockerfile directories: the progress of a project is MSBuild's (auto, tty, plain, quiet, none)");
        }

        // Quiet is only the result, as with kimg; printing is only the Dockerfile.
        if (line.Flag("print") && !line.Flag("quiet")) verbosity ??= "quiet";
        if (verbosity is not null) yield return "-v:" + verbosity;
    }
}
