using System.Collections.Immutable;
using System.Net;
using System.Text;
using Kimg.Engine.Graph;

namespace Kimg.Engine.Ops;

/// <summary>The /etc/hosts and /etc/resolv.conf a step sees.</summary>
internal static class NetworkFiles
{
    public static string Hosts(string hostname, ImmutableArray<ExtraHost> extra)
    {
        var text = new StringBuilder()
            .Append("127.0.0.1\tlocalhost ").Append(hostname)
            .Append("\n::1\tlocalhost ip6-localhost ip6-loopback\n");
        foreach (ExtraHost host in extra) text.Append(host.Address).Append('\t').Append(host.Name).Append('\n');
        return text.ToString();
    }

    /// <summary>This machine's nameservers as a step can use them: loopback ones are dropped when the step has a network of its own; none left means public ones, as in docker.</summary>
    /// <param name="hostFile">Text of this machine's /etc/resolv.conf; null when there is none.</param>
    /// <param name="sharesNetwork">The step uses this machine's network, loopback included.</param>
    public static string ResolvConf(string? hostFile, bool sharesNetwork)
    {
        List<string> lines = [.. (hostFile ?? "").Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] is not ('#' or ';'))];
        if (!sharesNetwork) lines.RemoveAll(IsLoopbackServer);
        if (!lines.Exists(line => line.StartsWith("nameserver", StringComparison.Ordinal))) lines.AddRange(["nameserver 8.8.8.8", "nameserver 8.8.4.4"]);
        return string.Join('\n', lines) + "\n";
    }

    private static bool IsLoopbackServer(string line) =>
        line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries) is ["nameserver", var address, ..]
        && IPAddress.TryParse(address, out IPAddress? parsed) && IPAddress.IsLoopback(parsed);
}
