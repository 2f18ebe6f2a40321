using System.Collections.Immutable;
using Kimg.Ci.GitHub;
using Kimg.Ci.Hosts;
using Kimg.Ci.Metadata;
using Kimg.Ci.Reports;
using Kimg.Cli.CommandLine;
using Kimg.Cli.Facade;
using Kimg.Cli.Options;
using Kimg.Cli.Progress;
using Kimg.Cli.Verbs;
using Kimg.Engine.Build;
using Kimg.Engine.Cache;
using Kimg.Engine.Oci;
using Kimg.Engine.Primitives;
using Row = Kimg.Cli.Options.BuildOptionRows;

namespace Kimg.Cli.Ci;

/// <summary>The inputs of action.yml → a build, a push of what is built already (<c>push-from</c>), or an index of what other runners pushed (<c>merge</c>).</summary>
internal sealed class GitHubAction
{
    private readonly CliHost _host;
    private readonly CiHost _ci;
    private readonly ActionInputs _inputs;
    private readonly MetadataResult? _metadata;

    private GitHubAction(CliHost host, CiHost ci)
    {
        (_host, _ci, _inputs) = (host, ci, new ActionInputs(host.Variable));
        _inputs.RefuseOthers(host.VariableNames());
        Mask();
        _metadata = Metadata();
    }

    public static async Task<int> RunAsync(CliHost host, CancellationToken cancellationToken)
    {
        CiHost ci = CiDetection.Detect(host.Variable);
        if (ci is not GitHubHost)
        {
            throw new KimgException(ErrorCode.InvalidArgument, "this is no job of GitHub Actions")
            {
                Hint = "GITHUB_ACTIONS=true is missing; elsewhere use kimg ci build",
            };
        }

        CiJob? job = null;
        int code = await CiFailure.ToldAsync(ci, host, async () =>
        {
            var action = new GitHubAction(host, ci);
            if (action._inputs.Given("merge") is not null) return await action.MergeAsync(cancellationToken);
            if (action._inputs.Given("push-from") is { } layout) return await action.PushAsync(layout, cancellationToken);
            Arguments arguments = action.Arguments();
            if (action._inputs.Given("call") is { } call && call != "build")
                return await BuildVerb.Create().Run(arguments.With(Row.Call, [call]), host, cancellationToken);
            job = action.Job(arguments);
            return 0;
        });
        return job is null ? code : await new CiRun(job, ci, host).RunAsync(cancellationToken);
    }

    private bool HasRules => _inputs.Given("images") is not null
        || _inputs.Rules("tags").Any(l => RuleFields.Split(l).Any(f => f.TrimStart().StartsWith("type=", StringComparison.Ordinal)));

    private ImmutableArray<string> Names => _metadata is { } made ? made.Tags : _inputs.List("tags");

    private string? SummaryFile => _inputs.Flag("summary", standard: true) && Switch("DOCKER_BUILD_SUMMARY") ? _ci.SummaryFile : null;

    // Variables of build-push-action that are on unless they say no.
    private bool Switch(string variable) => _host.Variable(variable) is not { Length: > 0 } text || text switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => throw new KimgException(ErrorCode.InvalidArgument, $"{variable} is '{text}'") { Hint = "it is true or false" },
    };

    // Values that must not show in any later log; those of a build's other secrets are hidden where it runs.
    private void Mask()
    {
        foreach ((_, string value) in _inputs.Pairs("secrets")) _host.WriteError(_ci.Mask(value));
        if (_inputs.Given("github-token") is { } token) _host.WriteError(_ci.Mask(token));
    }

    private MetadataResult? Metadata()
    {
        if (!HasRules) return null;
        ImmutableArray<string> images = _inputs.Rules("images");
        if (images.IsEmpty && _ci.Facts.DefaultImage is { } image) images = [image];
        if (images.IsEmpty) throw new KimgException(ErrorCode.InvalidArgument, "the tag rules need images") { Hint = "add to the step:\nwith:\n  images: ghcr.io/OWNER/NAME" };
        var input = new MetadataInput
        {
            Images = images, Tags = _inputs.Rules("tags"), Flavor = _inputs.Rules("flavor"),
            Labels = _inputs.Lines("labels", comments: true), Annotations = _inputs.Lines("annotations", comments: true),
        };
        MetadataResult result = MetadataVariables.Apply(input, _ci.Facts, _host.Variable, _host.Time.GetUtcNow());
        foreach (string notice in result.Notices) _host.WriteError(_ci.Annotate(new CiAnnotation(false, null, 0, 0, "kimg", notice)));
        return result;
    }

    private CiJob Job(Arguments arguments)
    {
        if (_inputs.Flag("push") && Names.IsEmpty)
            throw new KimgException(ErrorCode.InvalidOutput, "a name is needed to push") { Hint = "add to the step:\nwith:\n  tags: ghcr.io/OWNER/NAME:TAG" };
        BuildRequest request = BuildRequestParser.Parse(arguments, _host);
        (ImmutableArray<SecretSource> secrets, ImmutableSortedDictionary<string, string> variables) = Secrets(request);
        return new CiJob(request with { Secrets = [.. request.Secrets, .. secrets] }, arguments, Engine(arguments, variables))
        {
            Metadata = _metadata,
            Check = _inputs.Choice("check", "warn", "warn", "error", "off"),
            Annotate = _inputs.Flag("annotate", standard: true),
            AnnotateFindings = Switch("DOCKER_BUILD_CHECKS_ANNOTATIONS"),
            SummaryFile = SummaryFile,
            SarifFile = _inputs.Given("sarif") is { } sarif ? Path.GetFullPath(sarif, _host.CurrentDirectory) : null,
            Comment = Comment(),
        };
    }

    /// <summary>The inputs as the command line of kimg build.</summary>
    private Arguments Arguments()
    {
        var values = new Dictionary<string, ImmutableArray<string>>(StringComparer.Ordinal);
        void Set(OptionRow row, IEnumerable<string> given)
        {
            ImmutableArray<string> all = [.. given];
            if (!all.IsEmpty) values[row.Name] = all;
        }

        void One(OptionRow row, string input) => Set(row, _inputs.Given(input) is { } value ? [value] : []);
        void Flag(OptionRow row, string input) => Set(row, _inputs.Flag(input) ? ["true"] : []);
        Set(Row.Tag, Names);
        Set(Row.Label, (_metadata?.Labels.Where(l => l.Value.Length > 0).Select(l => $"{l.Key}={l.Value}") ?? []).Concat(_metadata is null ? _inputs.Lines("labels") : []));
        Set(Row.AddHost, _inputs.List("add-hosts"));
        Set(Row.Allow, _inputs.List("allow"));
        Set(Row.Annotation, Annotations());
        Set(Row.Attest, _inputs.Lines("attests"));
        Set(Row.BuildArg, _inputs.Lines("build-args"));
        Set(Row.BuildContext, _inputs.Lines("build-contexts").Select(c => DefaultContext.Expand("build-contexts", c, _host.Variable)));
        Set(Row.NoCacheFilter, _inputs.List("no-cache-filters"));
        Set(Row.Output, _inputs.Lines("outputs", quotes: false));
        Set(Row.Platforms, _inputs.List("platforms"));
        Set(Row.Ssh, _inputs.List("ssh"));
        Set(Row.Ulimit, _inputs.Lines("ulimit"));
        Set(Row.Secret, Named("secret-files", _inputs.Lines("secret-files"), "src").Concat(Named("secret-envs", _inputs.List("secret-envs"), "env")));
        Set(EngineOptionRows.RegistryInsecure, _inputs.List("registry-insecure"));
        One(Row.Builder, "builder");
        One(Row.CgroupParent, "cgroup-parent");
        One(Row.Dockerfile, "file");
        One(Row.Network, "network");
        One(Row.Provenance, "provenance");
        One(Row.Sbom, "sbom");
        One(Row.ShmSize, "shm-size");
        One(Row.Target, "target");
        One(EngineOptionRows.Isolation, "isolation");
        Flag(Row.Load, "load");
        Flag(Row.NoCache, "no-cache");
        Flag(Row.Pull, "pull");
        Flag(Row.Push, "push");
        (string? from, string? to) = Cache();
        Set(Row.CacheFrom, _inputs.Lines("cache-from").Concat(from is null ? [] : [from]));
        Set(Row.CacheTo, _inputs.Lines("cache-to").Concat(to is null ? [] : [to]));
        string context = DefaultContext.Expand("context", _inputs.Given("context") ?? ".", _host.Variable);
        return new Arguments([context], values, Settings.Load(_host, [.. Row.All, .. GlobalOptions.All]));
    }

    // Only when some are given: labels say the same, and not every format of an image has annotations.
    private IEnumerable<string> Annotations() => _inputs.Given("annotations") is null ? []
        : _metadata is { } made ? MetadataVariables.Annotations(made, _host.Variable) : _inputs.Lines("annotations");

    // As --secret takes them, where a value with commas stands in quotes.
    private static IEnumerable<string> Named(string input, IEnumerable<string> items, string key) =>
        ActionInputs.Pairs(input, items).Select(p => $"{Field("id", p.Key)},{Field(key, p.Value)}");

    private static string Field(string key, string value) =>
        value.AsSpan().IndexOfAny(',', '"') < 0 ? $"{key}={value}" : $"\"{key}={value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    // Each image, stage and platform has a cache of its own: a constant scope lets builds of one repository replace each other's.
    private (string? From, string? To) Cache()
    {
        string kind = _inputs.Choice("cache", "off", "off", "gha", "registry");
        bool mounts = _inputs.Flag("cache-mounts");
        if (kind == "off")
        {
            return !mounts ? (null, null) : throw new KimgException(ErrorCode.InvalidCacheOption, "cache-mounts needs a cache to travel with")
            {
                Hint = "add to the step:\nwith:\n  cache: gha",
            };
        }

        string name = Names.IsEmpty ? _ci.Facts.Repository : ImageReference.Parse(Names[0]).Name;
        string scope = string.Join('-', new[] { _inputs.Text("target") }.Concat(_inputs.List("platforms")).Where(p => p.Length > 0)).Replace('/', '-');
        string export = ",mode=max" + (mounts ? ",mounts=true" : "");
        if (kind == "registry")
        {
            if (Names.IsEmpty) throw new KimgException(ErrorCode.InvalidCacheOption, "a cache in a registry needs a name") { Hint = "add to the step:\nwith:\n  tags: ghcr.io/OWNER/NAME:TAG" };
            string reference = $"type=registry,ref={name}:kimg-cache{(scope.Length > 0 ? "-" + scope : "")}";
            return (reference, reference + export);
        }

        string gha = $"type=gha,scope={name}{(scope.Length > 0 ? "-" + scope : "")}";
        // Who asks for it by this input means a job, where it is there unless something was left out.
        if (CacheParser.ParseSource(gha, _host).Location is UnavailableCache unavailable) throw unavailable.Reason;
        return (gha, gha + export);
    }

    private (ImmutableArray<SecretSource> Secrets, ImmutableSortedDictionary<string, string> Variables) Secrets(BuildRequest request)
    {
        var secrets = ImmutableArray.CreateBuilder<SecretSource>();
        ImmutableSortedDictionary<string, string> variables = Variables();
        foreach ((string key, string value) in _inputs.Pairs("secrets"))
        {
            string name = $"KIMG_INPUT_SECRET_{secrets.Count}";
            variables = variables.Add(name, value);
            secrets.Add(new SecretSource(key, null, name));
        }

        bool git = request.NamedContexts.Values.Append(request.Context).Any(c => c is GitContext);
        // That of this server would win over one that was given for all.
        bool given = request.Secrets.Concat(secrets).Any(s => s.Id is "GIT_AUTH_TOKEN" or "GIT_AUTH_HEADER");
        if (git && !given && variables.ContainsKey("GITHUB_TOKEN") && Uri.TryCreate(_host.Variable("GITHUB_SERVER_URL") ?? "https://github.com", UriKind.Absolute, out Uri? server))
            secrets.Add(new SecretSource("GIT_AUTH_TOKEN." + server.Authority, null, "GITHUB_TOKEN"));
        return (secrets.ToImmutable(), variables);
    }

    // The token is the job's own: it opens ghcr.io to it when the job has packages: write.
    private ImmutableSortedDictionary<string, string> Variables()
    {
        var variables = ImmutableSortedDictionary<string, string>.Empty;
        return _inputs.Given("github-token") is { } token ? variables.Add("GITHUB_TOKEN", token) : variables;
    }

    private static EngineOptions Engine(Arguments arguments, ImmutableSortedDictionary<string, string> variables, CliHost host) =>
        EngineOptionRows.Read(arguments, host) with { Variables = variables };

    private EngineOptions Engine(Arguments arguments, ImmutableSortedDictionary<string, string> variables) => Engine(arguments, variables, _host);

    private Func<string, CancellationToken, Task>? Comment()
    {
        if (!_inputs.Flag("comment") || _ci.Facts.PullRequest is not { } number) return null;
        if (_inputs.Given("github-token") is not { } token)
            throw new KimgException(ErrorCode.AccessDenied, "a comment needs a token") { Hint = "add to the step:\nwith:\n  github-token: ${{ github.token }}" };
        var comment = new PullRequestComment(
            new Uri(_host.Variable("GITHUB_API_URL") ?? "https://api.github.com"), _host.Variable("GITHUB_REPOSITORY") ?? "", new Secret(token));
        string marker = Names.IsEmpty ? "build" : ImageReference.Parse(Names[0]).Name;
        return (markdown, token2) => comment.WriteAsync(number, marker, markdown, token2);
    }

    private ImmutableArray<ImageLocation> Destinations(string input) => Names.IsEmpty
        ? throw new KimgException(ErrorCode.InvalidArgument, $"{input} needs names") { Hint = "add to the step:\nwith:\n  tags: ghcr.io/OWNER/NAME:TAG" }
        : [.. Names.Select(n => new RegistryLocation(ImageReference.Parse(n)))];

    // Lines are images; a digest alone is one of the first name's repository.
    private Task<int> MergeAsync(CancellationToken cancellationToken)
    {
        ImmutableArray<ImageLocation> names = Destinations("merge");
        string repository = ImageReference.Parse(Names[0]).Name;
        ImmutableArray<ImageLocation> sources =
            [.. _inputs.List("merge").Select(t => LocationParser.Parse(t.StartsWith("sha256:", StringComparison.Ordinal) ? $"{repository}@{t}" : t, _host.CurrentDirectory))];
        var request = new IndexRequest(sources, names);
        return TransferAsync(
            async (engine, pump) => Digest.Sha256((await engine.CreateIndexAsync(request, pump, cancellationToken)).Span), cancellationToken);
    }

    private Task<int> PushAsync(string layout, CancellationToken cancellationToken)
    {
        ImmutableArray<ImageLocation> names = Destinations("push-from");
        ImageLocation source = LocationParser.Parse(layout.Contains("://", StringComparison.Ordinal) ? layout : "oci-layout://" + layout, _host.CurrentDirectory);
        return TransferAsync(async (engine, pump) =>
        {
            Descriptor[] pushed = new Descriptor[names.Length];
            for (int i = 0; i < names.Length; i++) pushed[i] = await engine.CopyAsync(source, names[i], [], pump, cancellationToken);
            return pushed[0].Digest;
        }, cancellationToken);
    }

    private async Task<int> TransferAsync(Func<IEngine, IBuildObserver, Task<Digest>> transfer, CancellationToken cancellationToken)
    {
        // Before anything is pushed: what the inputs say may be wrong.
        string? summary = SummaryFile;
        await using IEngine engine = _host.OpenEngine(Engine(Arguments(), Variables()));
        Digest root;
        using (var pump = new ProgressPump(new PlainProgress(_host.WriteError, _host.Colours), _host.Time)) root = await transfer(engine, pump);
        string digest = root.ToString();
        ImageReference name = ImageReference.Parse(Names[0]);
        ImageReport report = await engine.InspectAsync(new RegistryLocation(name with { Tag = null, Digest = root }), null, cancellationToken);
        IEnumerable<string> labels = _metadata is { } made
            ? made.Labels.Where(l => l.Value.Length > 0).Select(l => $"{l.Key}={l.Value}")
            : _inputs.Lines("labels");
        KeyValuePair<string, string>[] outputs =
        [
            new("digest", digest), new("imageid", ImageOutputs.ImageId(report).ToString()),
            new("image", $"{name.Name}@{digest}"), new("tags", string.Join('\n', Names)),
            new("version", _metadata?.Version ?? ""), new("labels", string.Join('\n', labels)), new("platform-digests", ImageOutputs.PlatformDigests(report)),
            new("metadata", CiMetadata.With(ImageOutputs.Metadata(report, Names), _ci).TrimEnd()),
        ];
        _host.WriteError(_ci.Publish([.. outputs.Where(o => o.Value.Length > 0)]));
        if (summary is not null)
            ReportFile.Append(summary, $"### {name}\n\n| | |\n|---|---|\n{string.Concat(Names.Select(n => $"| image | `{n}` |\n"))}| digest | `{digest}` |\n");
        _host.WriteLine(digest);
        return 0;
    }
}
