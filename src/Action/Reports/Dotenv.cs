using Kimg.Ci.Hosts;

namespace Kimg.Ci.Reports;

/// <summary>NAME=value lines, as GitLab's dotenv report and shells read them.</summary>
internal static class Dotenv
{
    /// <summary>Values of several lines are left out: the format has none.</summary>
    public static string Render(IEnumerable<KeyValuePair<string, string>> outputs) =>
        string.Concat(outputs.Where(o => !o.Value.Contains('\n')).Select(o => $"{CiHost.VariableName(o.Key)}={o.Value}\n"));
}
