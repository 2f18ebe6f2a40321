using System.Globalization;
using System.Text;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>Names of vertices as progress shows them: <c>[linux/amd64 stage 2/5] RUN make</c>.</summary>
internal static class StepName
{
    /// <summary>Counts a step of the stage and names it.</summary>
    public static string Of(StageNode node, FrontendOptions options, string text, IVariables environment)
    {
        if (node.StepCount == 0) return text;
        var name = new StringBuilder("[");
        if (options.MultiPlatform)
        {
            Platform platform = node.Platform ?? options.Platform;
            name.Append(platform).Append(Cross(platform, environment)).Append(' ');
        }

        if (node.DisplayName.Length > 0) name.Append(node.DisplayName).Append(' ');
        int width = node.StepCount.ToString(CultureInfo.InvariantCulture).Length;
        name.Append((++node.Step).ToString(CultureInfo.InvariantCulture).PadLeft(width)).Append(CultureInfo.InvariantCulture, $"/{node.StepCount}] ");
        return name.Append(text).ToString();
    }

    /// <summary>The instruction with its keyword in upper case and variables filled in; as written when that fails.</summary>
    public static string Command(string source, WordExpander expander)
    {
        string text = source;
        try
        {
            text = expander.Expand(source);
        }
        catch (KimgException error) when (error.Code == ErrorCode.InvalidExpansion)
        {
            // Only a name: what matters of the instruction has been expanded word by word.
        }

        int blank = text.IndexOf(' ');
        return blank < 0 ? text.ToUpperInvariant() : text[..blank].ToUpperInvariant() + text[blank..];
    }

    // A stage that runs on one platform and builds for another shows both: linux/amd64->arm64.
    private static string Cross(Platform runs, IVariables environment)
    {
        if (environment.Get("TARGETPLATFORM") is { } whole)
        {
            try
            {
                return Arrow(runs, Platform.Parse(whole));
            }
            catch (KimgException invalid) when (invalid.Code == ErrorCode.InvalidPlatform)
            {
                return "";
            }
        }

        string? os = environment.Get("TARGETOS"), architecture = environment.Get("TARGETARCH"), variant = environment.Get("TARGETVARIANT");
        if (os is null && architecture is null && variant is null) return "";
        return Arrow(runs, Platform.Normalize(string.IsNullOrEmpty(os) ? runs.Os : os,
            string.IsNullOrEmpty(architecture) ? runs.Architecture : architecture, variant));
    }

    private static string Arrow(Platform runs, Platform target) =>
        target.Os != runs.Os ? $"->{target}"
        : target.Architecture == runs.Architecture ? ""
        : target.Variant is null ? $"->{target.Architecture}" : $"->{target.Architecture}/{target.Variant}";
}
