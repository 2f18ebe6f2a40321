using System.Globalization;
using System.Text;
using Kimg.Ci.Reports;
using Kimg.Cli.CommandLine;
using Kimg.Cli.Facade;
using Kimg.Cli.Kaniko;
using Kimg.Cli.Progress;
using Kimg.Engine.Build;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Verbs;

/// <summary>kimg for whoever has a command line of Kaniko or Kimia.</summary>
internal static class KanikoVerb
{
    public static Verb Create() => new()
    {
        Name = "kaniko",
        Summary = "Build with the command line of Kaniko or Kimia",
        Details = "Started as executor or kimia, or as kimg with flags that only these have, kimg takes the flags without the verb. docs/migrating.md tells what each does.",
        Options = [.. KanikoFlags.All.Select(f => f.Row), KanikoFlags.Kimia],
        Run = RunAsync,
    };

    private static async Task<int> RunAsync(Arguments arguments, CliHost host, CancellationToken cancellationToken)
    {
        KanikoBuild build = KanikoParser.Parse(arguments, host);
        Action<string> write = build.Timestamps ? text => host.WriteError(Timestamped(text, host.Time.GetUtcNow())) : host.WriteError;
        ProgressView view = build.Progress == "plain" ? new PlainProgress(write, host.Colours) : ProgressViews.Create(build.Progress, host);
        await using IEngine engine = host.OpenEngine(build.Engine);
        BuildResult result;
        using (var pump = new ProgressPump(view, host.Time))
        {
            result = await engine.BuildAsync(build.Request, pump, cancellationToken);
        }

        if (build.Progress == "plain") write(WarningList.Render(result.Warnings, arguments.Flag(GlobalOptions.Debug), host.Colours));
        if (result.Root is { } root) WriteFiles(build, root.Digest);
        return 0;
    }

    private static void WriteFiles(KanikoBuild build, Digest digest)
    {
        Write(build.DigestFile, digest.ToString());
        Write(build.NameDigestFile, Lines(build, r => $"{r.Name}@{digest}"));
        Write(build.NameTagDigestFile, Lines(build, r => $"{r}@{digest}"));
    }

    private static string Lines(KanikoBuild build, Func<ImageReference, string> line) => string.Concat(build.Request.Names.Select(n => line(n) + "\n"));

    private static void Write(string? path, string text)
    {
        if (path is not null) ReportFile.Write(path, text);
    }

    private static string Timestamped(string text, DateTimeOffset now)
    {
        var stamped = new StringBuilder();
        foreach (string line in text.TrimEnd('\n').Split('\n'))
            stamped.Append(now.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture)).Append(' ').Append(line).Append('\n');
        return text.Length == 0 ? "" : stamped.ToString();
    }
}
