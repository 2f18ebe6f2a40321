using Kimg.Cli.Verbs;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.CommandLine;

/// <summary>All verbs. Each is made only when it is asked for.</summary>
internal static class Catalog
{
    private static readonly (string Name, Func<Verb> Create)[] s_verbs =
    [
        ("build", BuildVerb.Create),
        ("check", CheckVerb.Create),
        ("push", TransferVerbs.CreatePush),
        ("pull", TransferVerbs.CreatePull),
        ("copy", TransferVerbs.CreateCopy),
        ("inspect", InspectVerb.Create),
        ("index create", IndexVerbs.CreateCreate),
        ("index annotate", IndexVerbs.CreateAnnotate),
        ("index inspect", IndexVerbs.CreateInspect),
        ("cache export", CacheVerbs.CreateExport),
        ("cache import", CacheVerbs.CreateImport),
        ("cache inspect", CacheVerbs.CreateInspect),
        ("tag", StoreVerbs.CreateTag),
        ("du", StoreVerbs.CreateUsage),
        ("prune", StoreVerbs.CreatePrune),
        ("login", LoginVerbs.CreateLogin),
        ("logout", LoginVerbs.CreateLogout),
        ("ci build", CiVerbs.CreateBuild),
        ("ci github", CiVerbs.CreateGitHub),
        ("ci detect", CiVerbs.CreateDetect),
        ("kaniko", KanikoVerb.Create),
        ("registry serve", RegistryServeVerb.Create),
        ("doctor", DoctorVerb.Create),
        ("completion", CompletionVerb.Create),
        ("help", HelpVerb.Create),
        ("version", VersionVerb.Create),
    ];

    public static IEnumerable<Verb> All => s_verbs.Select(v => v.Create());

    public static IEnumerable<OptionRow> ConfigurableOptions() =>
        All.SelectMany(v => v.Options).Concat(GlobalOptions.All).Where(o => o.Configurable).DistinctBy(o => o.Name);

    /// <summary>The verb that argv starts with, and how many words it takes.</summary>
    /// <exception cref="KimgException">InvalidArgument.</exception>
    public static (Verb Verb, int Words) Find(ReadOnlySpan<string> argv)
    {
        string first = argv[0], two = argv.Length > 1 ? $"{first} {argv[1]}" : first;
        foreach ((string name, Func<Verb> create) in s_verbs)
        {
            if (name == first) return (create(), 1);
            if (name == two) return (create(), 2);
        }

        if (first.StartsWith('-'))
        {
            throw new KimgException(ErrorCode.InvalidArgument, $"'{first}' stands before the verb")
            {
                Hint = "options follow the verb: kimg build --option …",
            };
        }

        string[] names = [.. s_verbs.Select(v => v.Name)];
        string[] inGroup = [.. names.Where(n => n.StartsWith(first + " ", StringComparison.Ordinal))];
        if (inGroup.Length > 0)
        {
            throw new KimgException(ErrorCode.InvalidArgument, argv.Length > 1 ? $"unknown verb '{two}'" : $"'{first}' needs a second word")
            {
                Hint = "there is: kimg " + string.Join(", kimg ", inGroup),
            };
        }

        throw new KimgException(ErrorCode.InvalidArgument, $"unknown verb '{first}'")
        {
            Hint = DidYouMean.Hint(first, names, "verbs"),
        };
    }
}
