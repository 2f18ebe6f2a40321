using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Kimg.Engine.Dockerfile;
using Kimg.Engine.Primitives;

namespace Kimg.Tasks;

/// <summary>What a Dockerfile says of the contexts "publish" and "publish-ARCH". A stage of such a name is what the Dockerfile means by it, and a context that
/// is passed would take its place: Visual Studio's Dockerfiles have a stage "publish" that publishes.</summary>
internal sealed partial class PublishContexts
{
    public const string Name = "publish";

    // publish-${TARGETARCH} can become any of these.
    private static readonly string[] s_architectures = ["amd64", "arm64", "arm", "armv5", "armv6", "armv7", "386", "s390x", "ppc64le", "riscv64", "loong64"];

    private readonly ImmutableHashSet<string> _stages;

    private PublishContexts(ImmutableHashSet<string> stages, bool areUsed) => (_stages, AreUsed) = (stages, areUsed);

    /// <summary>The publish output is asked for.</summary>
    public bool AreUsed { get; }

    public bool IsStage(string context) => _stages.Contains(context);

    public static PublishContexts Of(string dockerfile, string fileName)
    {
        var nothing = new PublishContexts([], areUsed: false);
        if (!dockerfile.Contains(Name, StringComparison.OrdinalIgnoreCase)) return nothing;
        try
        {
            ImmutableArray<DockerfileTarget> targets = DockerfileTargets.Parse(dockerfile, fileName).Targets;
            ImmutableHashSet<string> stages = [.. targets.Where(target => target.Name is not null).Select(target => target.Name!.ToLowerInvariant())];
            IEnumerable<string> sources = [.. targets.Select(target => target.Base), .. From().Matches(dockerfile).Select(match => match.Groups[1].Value)];
            return new PublishContexts(stages, sources.Any(source => IsUse(source.ToLowerInvariant(), stages)));
        }
        catch (KimgException)
        {
            // It cannot be built, and the build says why.
            return nothing;
        }
    }

    private static bool IsUse(string source, ImmutableHashSet<string> stages)
    {
        if (source == Name) return !stages.Contains(source);
        if (!source.StartsWith(Name + "-", StringComparison.Ordinal)) return false;
        string architecture = source[(Name.Length + 1)..];
        if (architecture.Contains('$', StringComparison.Ordinal)) return !s_architectures.Any(a => stages.Contains($"{Name}-{a}"));
        return s_architectures.Contains(architecture) && !stages.Contains(source);
    }

    // Of COPY, ADD and mounts; not in comments.
    [GeneratedRegex("""(?<!^\s*#.*)\bfrom=["']?([^\s,"']+)""", RegexOptions.Multiline | RegexOptions.IgnoreCase)]
    private static partial Regex From();
}
