using System.Collections.Immutable;
using System.Globalization;
using Kimg.Ci.Hosts;
using Kimg.Ci.Reports;
using Kimg.Cli.Facade;
using Kimg.Cli.Progress;
using Kimg.Cli.Reports;
using Kimg.Cli.Verbs;
using Kimg.Engine.Build;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Ci;

/// <summary>Runs a <see cref="CiJob"/>: folded log, messages on lines, reports, results for later steps.</summary>
internal sealed class CiRun(CiJob job, CiHost ci, CliHost host)
{
    private const string Group = "kimg_build";

    private readonly BuildRecord _record = new();
    private int _errors, _warnings;

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        foreach (string secret in SecretValues.Of(job, ci, host)) host.WriteError(ci.Mask(secret));
        await using IEngine engine = host.OpenEngine(job.Engine);
        DirectoryInfo? temporary = job.Request.MetadataFile is null ? Directory.CreateTempSubdirectory("kimg-ci-") : null;
        string metadata = job.Request.MetadataFile ?? Path.Combine(temporary!.FullName, "metadata.json");
        try
        {
            if (job.Check == "error") await CheckAsync(engine, cancellationToken);
            BuildResult result = await BuildAsync(engine, job.Request with { MetadataFile = metadata }, cancellationToken);
            ImmutableArray<CiAnnotation> findings = job.Check == "off" ? [] : [.. result.Warnings.Select(Finding)];
            ShowFindings(findings);
            ImageReport? image = await InspectAsync(engine, result, cancellationToken);
            await CiMetadata.AddAsync(metadata, ci, cancellationToken);
            Publish(result, image, await File.ReadAllTextAsync(metadata, cancellationToken));
            await ReportAsync(findings, result, image, null, cancellationToken);
            return 0;
        }
        catch (KimgException error) when (error.Code != ErrorCode.Interrupted)
        {
            KimgException e = ci.Advise(error);
            var failure = new CiAnnotation(
                true, e.Span is { } span ? FileOf(span) : null, e.Span?.StartLine ?? 0, e.Span?.EndLine ?? 0, e.Code.Name(),
                e.Message + (e.Hint is { } hint ? "\n" + hint : ""));
            if (e.Code != ErrorCode.LintFailed || !job.AnnotateFindings) Show([failure]);
            ImmutableArray<CiAnnotation> findings = [.. _record.Warnings.Select(Finding)];
            await ReportAsync(e.Span is null || e.Code == ErrorCode.LintFailed ? findings : [failure, .. findings], null, null, e, cancellationToken);
            throw e;
        }
        finally
        {
            temporary?.Delete(recursive: true);
        }
    }

    private async Task CheckAsync(IEngine engine, CancellationToken cancellationToken)
    {
        CheckResult check = await engine.CheckAsync(job.Request, cancellationToken);
        if (check.Error is { } error) throw error;
        if (check.Warnings.IsEmpty) return;
        _record.Warnings.AddRange(check.Warnings);
        ShowFindings([.. check.Warnings.Select(w => Finding(w) with { Error = true })]);
        throw new KimgException(ErrorCode.LintFailed, $"{check.Warnings.Length} finding{(check.Warnings.Length == 1 ? "" : "s")} in '{DockerfileName}'")
        {
            Hint = "mend them, skip a rule with '# check=skip=RULE', or let them be warnings (check: warn)",
        };
    }

    private async Task<BuildResult> BuildAsync(IEngine engine, BuildRequest request, CancellationToken cancellationToken)
    {
        bool open = true;
        host.WriteError(ci.BeginGroup(Group, "kimg build", host.Time.GetUtcNow()));
        void Close()
        {
            if (open) host.WriteError(ci.EndGroup(Group, host.Time.GetUtcNow()));
            open = false;
        }

        string progress = ProgressViews.Choose(job.Arguments, host);
        // Failed steps are told outside of what is folded.
        ProgressView view = progress is "plain" or "tty" ? new PlainProgress(host.WriteError, host.Colours, Close) : ProgressViews.Create(progress, host);
        try
        {
            using var pump = new ProgressPump(new BothViews(view, _record), host.Time);
            return await engine.BuildAsync(request, pump, cancellationToken);
        }
        finally
        {
            Close();
        }
    }

    // GitHub shows few of them for a step; all of them are in the summary and the reports.
    private void Show(ImmutableArray<CiAnnotation> annotations)
    {
        if (!job.Annotate) return;
        foreach (CiAnnotation annotation in annotations)
        {
            if ((annotation.Error ? ++_errors : ++_warnings) <= ci.AnnotationLimit) host.WriteError(ci.Annotate(annotation));
        }
    }

    private void ShowFindings(ImmutableArray<CiAnnotation> findings)
    {
        if (job.AnnotateFindings) Show(findings);
    }

    private CiAnnotation Finding(LintWarning warning) => new(
        false, warning.Span is { } span ? FileOf(span) : DockerfileName, warning.Span?.StartLine ?? 0, warning.Span?.EndLine ?? 0, warning.Rule, warning.Detail);

    private string FileOf(SourceSpan span) => Path.GetFileName(span.File) == Path.GetFileName(DockerfileName) ? DockerfileName : span.File;

    /// <summary>The Dockerfile from the checkout's root, as hosts name files.</summary>
    private string DockerfileName
    {
        get
        {
            string? path = job.Request.DockerfilePath;
            if (job.Request.Context is DirectoryContext directory)
                path = Path.GetFullPath(path ?? "Dockerfile", Path.Combine(directory.Path, job.Request.ContextSubPath ?? ""));
            if (path is null || !Path.IsPathRooted(path)) return path ?? "Dockerfile";
            // The checkout as the host names it may be another place than where the job runs.
            string[] roots = [.. new[] { ci.Facts.Workspace, host.CurrentDirectory }.OfType<string>()];
            return roots.Select(root => Path.GetRelativePath(root, path)).FirstOrDefault(p => !p.StartsWith("..", StringComparison.Ordinal)) ?? path;
        }
    }

    private async Task<ImageReport?> InspectAsync(IEngine engine, BuildResult result, CancellationToken cancellationToken)
    {
        if (result.Root is not { } root || job.Request.Names.IsEmpty) return null;
        ImageReference name = job.Request.Names[0];
        bool pushed = job.Request.Outputs.Any(o => o.Push), stored = pushed || job.Request.Outputs.IsEmpty || job.Request.Outputs.Any(o => o.Type == OutputType.Image);
        if (!stored) return null;
        ImageLocation location = pushed ? new RegistryLocation(name with { Tag = null, Digest = root.Digest }) : new StoreLocation(name);
        return await engine.InspectAsync(location, null, cancellationToken);
    }

    private void Publish(BuildResult result, ImageReport? image, string metadata)
    {
        List<KeyValuePair<string, string>> outputs = [.. job.Outputs];
        void Add(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value)) outputs.Add(new(name, value));
        }

        Add("digest", result.Root?.Digest.ToString());
        Add("imageid", result.ImageId?.ToString() ?? result.Root?.Digest.ToString());
        if (job.Request.Names.Length > 0 && result.Root is { } root) Add("image", $"{job.Request.Names[0].Name}@{root.Digest}");
        Add("tags", string.Join('\n', job.Request.Names.Select(n => n.ToString())));
        Add("version", job.Metadata?.Version);
        Add("labels", string.Join('\n', job.Request.Labels.Select(l => $"{l.Key}={l.Value}")));
        Add("platform-digests", image is null ? null : ImageOutputs.PlatformDigests(image));
        Add("cache-hit", result.TotalVertices == 0 ? null : ((double)result.CachedVertices / result.TotalVertices).ToString("0.00", CultureInfo.InvariantCulture));
        Add("warnings", result.Warnings.Length.ToString(CultureInfo.InvariantCulture));
        Add("metadata", metadata.TrimEnd());
        host.WriteError(ci.Publish(outputs));
        Write(job.DotenvFile, Dotenv.Render(outputs.Where(o => o.Key != "metadata")));
        if (result.Root is { } made) host.WriteLine(made.Digest.ToString());
    }

    private async Task ReportAsync(
        ImmutableArray<CiAnnotation> findings, BuildResult? result, ImageReport? image, KimgException? error, CancellationToken cancellationToken)
    {
        Write(job.CodeQualityFile, CodeQuality.Render(findings, DockerfileName));
        if (job.SarifFile is not null)
        {
            IEnumerable<LintWarning> warnings = result is null ? _record.Warnings : result.Warnings;
            var check = new CheckResult([.. warnings.Select(w => w with { Span = w.Span is { } s ? s with { File = FileOf(s) } : null })], null)
            {
                FileName = DockerfileName, Source = new SourceText(""),
            };
            Write(job.SarifFile, LintSarif.Render(check, VersionVerb.Version));
        }

        string summary = new BuildSummary
        {
            Title = job.Request.Names is [var first, ..] ? first.ToString() : "kimg build",
            Result = result,
            Image = image,
            Steps = [.. _record.Steps],
            Findings = findings,
            Error = error,
            Facts = ci.Facts,
            Reproduce = Reproduction.Of(job.Arguments, job.Request, ci.Facts),
        }.Render();
        if (job.SummaryFile is { } file) ReportFile.Append(file, summary);
        if (job.Comment is { } comment) await CommentAsync(comment, summary, cancellationToken);
    }

    // The image is made: that nobody may comment, as on pull requests from forks, is no failure of the build.
    private async Task CommentAsync(Func<string, CancellationToken, Task> comment, string summary, CancellationToken cancellationToken)
    {
        try
        {
            await comment(summary, cancellationToken);
        }
        catch (KimgException e)
        {
            host.WriteError(ci.Annotate(new CiAnnotation(false, null, 0, 0, e.Code.Name(), e.Message + (e.Hint is { } hint ? "\n" + hint : ""))));
        }
    }

    private static void Write(string? file, string text)
    {
        if (file is not null) ReportFile.Write(file, text);
    }

    private sealed class BothViews(ProgressView view, BuildRecord record) : ProgressView
    {
        public override void OnEvent(BuildEvent e)
        {
            record.OnEvent(e);
            view.OnEvent(e);
        }

        public override void Tick(DateTimeOffset now) => view.Tick(now);

        public override void Finish(DateTimeOffset now) => view.Finish(now);
    }
}
