using System.Collections.Immutable;
using Kimg.Engine.Primitives;
using Microsoft.Build.Framework;

namespace Kimg.Tasks;

/// <summary>Properties and items → options of <c>kimg build</c>.</summary>
internal sealed class BuildArguments(BuildImage task)
{
    /// <summary>What builds of every kind have.</summary>
    public IEnumerable<string> Common(string dockerfile, ImmutableArray<string> names, ImageOutputs outputs, string metadata)
    {
        yield return "--progress=rawjson";
        foreach (string option in task.Options()) yield return option;
        yield return "--file=" + dockerfile;
        yield return "--metadata-file=" + metadata;
        foreach (string name in names) yield return "--tag=" + name;
        foreach (string output in outputs.Options) yield return "--output=" + output;
        foreach (ITaskItem annotation in task.Annotations) yield return $"--annotation={annotation.ItemSpec}={annotation.GetMetadata("Value")}";
        foreach (ITaskItem cache in task.CacheFrom) yield return "--cache-from=" + cache.ItemSpec;
        foreach (ITaskItem cache in task.CacheTo) yield return "--cache-to=" + cache.ItemSpec;
        if (task.Sbom.Length > 0) yield return "--sbom=" + task.Sbom;
        if (task.Provenance.Length > 0) yield return "--provenance=" + task.Provenance;
        if (task.Switches.NoCache) yield return "--no-cache";
        if (task.Switches.Pull) yield return "--pull";
        foreach (string option in task.BuildOptions) yield return option;
    }

    /// <summary>What only a Dockerfile of the project's own can need.</summary>
    public IEnumerable<string> Dockerfile(string dockerfile, ITaskItem[] labels)
    {
        if (task.Target.Length > 0) yield return "--target=" + task.Target;
        foreach ((string name, string value) in Arguments(dockerfile)) yield return $"--build-arg={name}={value}";
        foreach (ITaskItem context in task.BuildContexts) yield return $"--build-context={context.ItemSpec}={context.GetMetadata("Value")}";
        foreach (ITaskItem secret in task.Secrets) yield return "--secret=" + Secret(secret);
        foreach (ITaskItem agent in task.Ssh) yield return "--ssh=" + agent.ItemSpec;
        string? time = SourceDate.Of(task.SourceDateEpoch);
        foreach (ITaskItem label in labels) yield return $"--label={label.ItemSpec}={SourceDate.ValueOf(label.ItemSpec, label.GetMetadata("Value"), time)}";
    }

    private IEnumerable<(string Name, string Value)> Arguments(string dockerfile)
    {
        foreach (ITaskItem argument in task.BuildArgs) yield return (argument.ItemSpec, argument.GetMetadata("Value"));
        if (!File.Exists(dockerfile)) yield break;
        HashSet<string> declared = DeclaredArguments.Of(File.ReadAllText(dockerfile));
        HashSet<string> given = [.. task.BuildArgs.Select(argument => argument.ItemSpec)];
        foreach (ITaskItem argument in task.DefaultBuildArgs)
        {
            if (declared.Contains(argument.ItemSpec) && !given.Contains(argument.ItemSpec)) yield return (argument.ItemSpec, argument.GetMetadata("Value"));
        }
    }

    // Only where the value is, never the value: the command line is in every log.
    private static string Secret(ITaskItem secret)
    {
        string file = secret.GetMetadata("Src"), variable = secret.GetMetadata("Env");
        if (secret.GetMetadata("Value").Length > 0)
        {
            throw new KimgException(ErrorCode.InvalidProjectProperty, $"KimgSecret '{secret.ItemSpec}' has a Value")
            {
                Hint = "values in a project end up in logs: put it into an environment variable and name that with Env, or into a file and name that with Src",
            };
        }

        if ((file.Length > 0) == (variable.Length > 0))
        {
            throw new KimgException(ErrorCode.InvalidProjectProperty, $"KimgSecret '{secret.ItemSpec}' needs either Src or Env")
            {
                Hint = "Src is a file that holds the value, Env the name of an environment variable",
            };
        }

        return variable.Length > 0 ? $"id={secret.ItemSpec},env={variable}" : $"id={secret.ItemSpec},src={file}";
    }
}
