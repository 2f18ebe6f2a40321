using Kimg.Tasks;

namespace Kimg.Tool;

internal static class Program
{
    private const string Help = """
        Usage: dotnet build-image [PROJECT | SOLUTION | DIRECTORY] [OPTIONS]

        Makes a container image of a .NET project, of all applications of a solution, or of a directory with a Dockerfile.

          -b, --base IMAGE|FLAVOUR   the base image, or a flavour of Microsoft's such as alpine
          -t, --tag NAME[:TAG]       name the image; repeatable
          -a, --arch ARCH[,ARCH]     x64, arm64, …; several give an index
              --platform OS/ARCH,…   one publish for several platforms
              --push                 push to the registry of each name
              --as-file FILE         write the Dockerfile of a project, build nothing
              --print                the same, to standard output
              --portable             with these: a Dockerfile that any builder takes
              --context DIRECTORY    the context of the project's Dockerfile
          -f, --file FILE            the Dockerfile
          -c, --configuration NAME   Release, if left out
              --framework TFM        of a project with several
              --check                only lint the Dockerfile
          -q, --quiet                print only the image's ID
          -p:NAME=VALUE              a property of the project

        All options of kimg build can be given too: --build-arg, --secret, --output, --target, --no-cache, …
        """;

    private static async Task<int> Main(string[] arguments)
    {
        try
        {
            CommandLine line = CommandLine.Parse(arguments);
            if (line.Flag("help"))
            {
                Console.WriteLine(Help);
                return 0;
            }

            Subject subject = Subject.Find(line.Subject, Environment.CurrentDirectory);
            return subject.IsProject ? await BuildProjectAsync(line, subject) : await BuildDockerfileAsync(arguments, line, subject);
        }
        catch (UsageException e)
        {
            await Console.Error.WriteLineAsync($"ERROR KIMG1001: {e.Message}\n  hint: dotnet build-image --help");
            return 2;
        }
        catch (UnauthorizedAccessException e)
        {
            await Console.Error.WriteLineAsync($"ERROR KIMG1104: the kimg of this tool may not be run: {e.Message}\n  hint: its owner can: chmod +x");
            return 2;
        }
    }

    private static async Task<int> BuildProjectAsync(CommandLine line, Subject subject)
    {
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host : "dotnet";
        if (SolutionImages.IsSolution(subject) && SolutionImages.OptionOfOne(line) is { } option)
        {
            using var listed = new MemoryStream();
            int failed = await ChildProgram.RunAsync(dotnet, SolutionImages.Listing(Arguments(subject, "")), listed);
            if (failed != 0)
            {
                await Console.OpenStandardError().WriteAsync(listed.ToArray());
                return failed;
            }

            subject = SolutionImages.Single(subject, option, listed.ToArray());
        }

        if (!line.Flag("print")) return await ChildProgram.RunAsync(dotnet, Arguments(subject, ""));
        string printed = Path.Combine(Path.GetDirectoryName(subject.Path)!, "obj", $"kimg-print-{Environment.ProcessId}.Dockerfile");
        Directory.CreateDirectory(Path.GetDirectoryName(printed)!);
        // What dotnet says is not what was asked for.
        int code = await ChildProgram.RunAsync(dotnet, Arguments(subject, printed), Console.OpenStandardError());
        if (!File.Exists(printed)) return code;
        Console.Write(await File.ReadAllTextAsync(printed));
        File.Delete(printed);
        return code;

        string[] Arguments(Subject of, string printedTo) => [.. DotnetArguments.Of(line, of, AppContext.BaseDirectory, Environment.CurrentDirectory, printedTo)];
    }

    private static async Task<int> BuildDockerfileAsync(string[] arguments, CommandLine line, Subject subject)
    {
        if (line.Options.FirstOrDefault(o => o.Name is "base" or "arch" or "as-file" or "print" or "portable" or "configuration" or "framework") is { Name: { } name })
            throw new UsageException($"--{name} is for projects, and '{subject.Path}' holds none");
        string[] kimg = BundledKimg.Find(Path.Combine(AppContext.BaseDirectory, "kimg", "tools"));
        return await ChildProgram.RunAsync(kimg[0], [.. kimg[1..], "build", .. arguments, .. line.Subject is null ? ["."] : Array.Empty<string>()]);
    }
}
