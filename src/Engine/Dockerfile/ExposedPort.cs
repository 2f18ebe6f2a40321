using System.Globalization;
using System.Net;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Dockerfile;

/// <summary>A word of EXPOSE: <c>[ip:][host:]port[-port][/protocol]</c>; ip and host are dropped, with a warning.</summary>
internal sealed record ExposedPort(int First, int Last, string Protocol)
{
    /// <summary>The protocol is not written in lower case.</summary>
    public bool ProtocolHasUpperCase { get; private init; }

    /// <summary>An address or a port of the host is given.</summary>
    public bool HasHostPart { get; private init; }

    public IEnumerable<string> Names =>
        Enumerable.Range(First, Last - First + 1).Select(port => string.Create(CultureInfo.InvariantCulture, $"{port}/{Protocol}"));

    /// <exception cref="KimgException">InvalidInstruction.</exception>
    public static ExposedPort Parse(string text, SourceSpan span)
    {
        string[] parts = text.Split(':');
        string container = parts[^1], host = parts.Length > 1 ? parts[^2] : "", ip = parts.Length > 2 ? string.Join(':', parts[..^2]) : "";
        int slash = container.IndexOf('/');
        string protocol = slash < 0 ? "" : container[(slash + 1)..];
        if (slash >= 0) container = container[..slash];
        if (container.Length == 0) throw Invalid(text, "no port specified", span);
        if (protocol.ToLowerInvariant() is not ("" or "tcp" or "udp" or "sctp")) throw Invalid(text, $"invalid protocol '{protocol}'", span);
        if (ip.Length > 0 && !IsAddress(ip.StartsWith('[') && ip.EndsWith(']') ? ip[1..^1] : ip))
            throw Invalid(text, $"invalid IP address '{ip}'", span);
        (int first, int last) = Range(text, container, span);
        if (host.Length > 0)
        {
            (int hostFirst, int hostLast) = Range(text, host, span);
            if (last != first && last - first != hostLast - hostFirst) throw Invalid(text, "the ranges differ in length", span);
        }

        return new ExposedPort(first, last, protocol.Length == 0 ? "tcp" : protocol.ToLowerInvariant())
        {
            ProtocolHasUpperCase = !LetterCase.IsLower(protocol), HasHostPart = ip.Length > 0 || host.Length > 0,
        };
    }

    // .NET takes "1.2.3" and "0x7f.1" for addresses too.
    private static bool IsAddress(string text) =>
        IPAddress.TryParse(text, out IPAddress? address) && (text.Contains(':') || address.ToString() == text);

    private static (int First, int Last) Range(string text, string range, SourceSpan span)
    {
        int dash = range.IndexOf('-');
        int first = Port(text, dash < 0 ? range : range[..dash], span), last = dash < 0 ? first : Port(text, range[(dash + 1)..], span);
        return last >= first ? (first, last) : throw Invalid(text, $"the range '{range}' runs backwards", span);
    }

    private static int Port(string text, string port, SourceSpan span) =>
        int.TryParse(port, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) && number is >= 0 and <= 65535
            ? number
            : throw Invalid(text, $"'{port}' is no port", span);

    private static KimgException Invalid(string text, string why, SourceSpan span) =>
        new(ErrorCode.InvalidInstruction, $"invalid port '{text}' in EXPOSE: {why}")
        {
            Hint = "write a port from 0 to 65535, a range 8000-8010, and /tcp, /udp or /sctp", Span = span,
        };
}
