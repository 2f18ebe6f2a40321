using Kimg.Engine.Primitives;
using Microsoft.Build.Framework;

namespace Kimg.Tasks;

/// <summary>Of a project's frameworks, the one its image is built for.</summary>
public sealed class SelectFramework : Microsoft.Build.Utilities.Task
{
    [Required]
    public string ProjectFile { get; set; } = "";

    [Required]
    public string[] Frameworks { get; set; } = [];

    /// <summary>KimgTargetFramework; empty: the newest.</summary>
    public string Wanted { get; set; } = "";

    /// <summary>That an application has no image is its author's mistake; a library has none anyway.</summary>
    public string OutputType { get; set; } = "";

    /// <summary>Empty: there is none, and the project is passed over.</summary>
    [Output]
    public string Selected { get; set; } = "";

    public override bool Execute()
    {
        string? selected = Wanted.Length == 0
            ? Frameworks.Where(framework => VersionOf(framework) is not null).MaxBy(VersionOf)
            : Frameworks.FirstOrDefault(framework => string.Equals(framework, Wanted, StringComparison.OrdinalIgnoreCase));
        if (selected is null)
        {
            if (Wanted.Length > 0 && OutputType.ToLowerInvariant() is "exe" or "winexe")
            {
                string code = ErrorCode.InvalidProjectProperty.Name();
                Log.LogError(
                    null, code, null, HelpLinks.Of(code), ProjectFile, 0, 0, 0, 0, "{0}",
                    $"KimgTargetFramework: '{Wanted}' is not among '{string.Join(';', Frameworks)}'");
                return false;
            }

            Log.LogMessage(
                MessageImportance.High, "{0}: no image, because none of its frameworks ({1}) is {2}.", Path.GetFileNameWithoutExtension(ProjectFile),
                string.Join(", ", Frameworks), Wanted.Length > 0 ? Wanted : "one of .NET");
            return true;
        }

        Selected = selected;
        Log.LogMessage(MessageImportance.Normal, "The image is for {0} (KimgTargetFramework chooses another).", selected);
        return true;
    }

    // net10.0, net8.0; not net472, netstandard2.0 or net10.0-windows.
    private static Version? VersionOf(string framework) =>
        framework.StartsWith("net", StringComparison.OrdinalIgnoreCase) && framework.Contains('.', StringComparison.Ordinal)
            && Version.TryParse(framework.AsSpan(3), out Version? version) && version.Major >= 5 ? version : null;
}
