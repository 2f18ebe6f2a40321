using System.Text;
using Kimg.Ci.Hosts;

namespace Kimg.Cli.Ci;

/// <summary>The values of a build's secrets, for hosts that can be told to hide them.</summary>
internal static class SecretValues
{
    /// <summary>The engine takes no larger ones.</summary>
    private const int MaxSize = 500 << 10;

    public static IEnumerable<string> Of(CiJob job, CiHost ci, CliHost host)
    {
        if (ci.Mask("x").Length == 0) return [];
        // Those that the action has from its inputs are hidden since then.
        return job.Request.Secrets.Where(s => s.Variable is null || !job.Engine.Variables.ContainsKey(s.Variable))
            .Select(s => s.Variable is { } variable ? host.Variable(variable) : Read(s.File!)).OfType<string>().Where(v => v.Length > 0).Distinct();
    }

    // What cannot be read fails the step that asks for it, not the build. A pipe has no length; read here, it would be empty there.
    private static string? Read(string path)
    {
        try
        {
            if (new FileInfo(path).Length is 0 or > MaxSize) return null;
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            return null;
        }
    }
}
