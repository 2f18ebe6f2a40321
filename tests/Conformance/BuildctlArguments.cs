namespace Kimg.Conformance;

/// <summary>The words of <c>docker buildx build</c> as those of <c>buildctl build</c>, for machines that have a buildkitd and no docker.</summary>
internal static class BuildctlArguments
{
    public static IReadOnlyList<string> Of(IEnumerable<string> buildx)
    {
        List<string> words = ["build", "--frontend=dockerfile.v0"];
        string context = "";
        using IEnumerator<string> rest = buildx.GetEnumerator();
        while (rest.MoveNext())
        {
            string word = rest.Current;
            if (word is "-f" or "-o")
            {
                rest.MoveNext();
                words.AddRange(word == "-o" ? [$"--output={rest.Current}"]
                    : [$"--local=dockerfile={Path.GetDirectoryName(rest.Current)}", $"--opt=filename={Path.GetFileName(rest.Current)}"]);
                continue;
            }

            string[] option = word.Split('=', 2);
            string value = option.ElementAtOrDefault(1) ?? "";
            words.AddRange(option[0] switch
            {
                "--build-arg" => [$"--opt=build-arg:{value}"],
                "--label" => [$"--opt=label:{value}"],
                "--target" => [$"--opt=target={value}"],
                "--platform" => [$"--opt=platform={value}"],
                "--network" => [$"--opt=force-network-mode={value}"],
                "--add-host" => [$"--opt=add-hosts={value.Replace(':', '=')}"],
                "--no-cache" => ["--no-cache"],
                "--no-cache-filter" => [$"--opt=no-cache={value}"],
                "--secret" or "--ssh" or "--allow" or "--progress" => [word],
                "--build-context" => NamedContext(value),
                "--cache-from" => [$"--import-cache={value}"],
                "--cache-to" => [$"--export-cache={value}"],
                "--provenance" => [],
                _ when !word.StartsWith('-') => Context(word),
                _ => throw new InvalidDataException($"buildctl has no '{word}'"),
            });
        }

        return [.. words, $"--local=context={context}"];

        string[] Context(string directory)
        {
            context = directory;
            return [];
        }
    }

    private static string[] NamedContext(string value)
    {
        string[] pair = value.Split('=', 2);
        return pair[1].Contains("://", StringComparison.Ordinal) ? [$"--opt=context:{value}"] : [$"--local={value}", $"--opt=context:{pair[0]}=local:{pair[0]}"];
    }
}
