using System.Buffers;
using System.Globalization;
using System.Net;
using Kimg.Cli.CommandLine;
using Kimg.Engine.Graph;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Options;

/// <summary>Values that describe how steps run: --add-host, --ulimit, --shm-size, --network, --allow.</summary>
internal static class StepOptionParser
{
    private static readonly SearchValues<char> s_decimal = SearchValues.Create("0123456789.");

    private static readonly string[] s_limits =
    [
        "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack",
    ];

    /// <summary>NAME:IP or NAME=IP; an IPv6 address may stand in brackets.</summary>
    public static ExtraHost ParseHost(string text)
    {
        var source = new OptionSource("--add-host", text);
        int cut = text.IndexOf('=') is var equals and > 0 ? equals : text.IndexOf(':');
        if (cut <= 0 || cut == text.Length - 1) throw source.Invalid("it is not HOST:IP", "for example db:10.0.0.5");
        string name = text[..cut], address = text[(cut + 1)..];
        if (address == "host-gateway")
        {
            throw new KimgException(ErrorCode.UnsupportedFeature, $"host-gateway is not supported ('{text}')")
            {
                Hint = "steps with --network=host reach the host as 127.0.0.1; otherwise give its address",
            };
        }

        if (address.StartsWith('[') && address.EndsWith(']')) address = address[1..^1];
        if (!IPAddress.TryParse(address, out IPAddress? ip)) throw source.Invalid($"'{address}' is not an IP address");
        return new ExtraHost(name, ip.ToString());
    }

    /// <summary>NAME=SOFT[:HARD]; -1: unlimited.</summary>
    public static Ulimit ParseUlimit(string text)
    {
        var source = new OptionSource("--ulimit", text);
        int equals = text.IndexOf('=');
        if (equals <= 0) throw source.Invalid("it is not NAME=SOFT[:HARD]", "for example nofile=1024:2048");
        string name = text[..equals];
        if (!s_limits.Contains(name))
        {
            throw source.Invalid($"unknown limit '{name}'", DidYouMean.Hint(name, s_limits, "limits"));
        }

        string[] parts = text[(equals + 1)..].Split(':');
        if (parts.Length > 2) throw source.Invalid("it has more than two numbers");
        long soft = Number(source, parts[0]);
        long hard = parts.Length == 2 ? Number(source, parts[1]) : soft;
        if (hard != -1 && (soft == -1 || soft > hard)) throw source.Invalid($"the soft limit {soft} is above the hard limit {hard}");
        return new Ulimit(name, soft, hard);
    }

    /// <summary>Bytes, or a number with b, k, m, g, t or p (powers of 1024; "ib" and "b" may follow).</summary>
    public static long ParseSize(string spelling, string text)
    {
        var source = new OptionSource(spelling, text);
        string lower = text.Trim().ToLowerInvariant();
        int digits = lower.AsSpan().IndexOfAnyExcept(s_decimal);
        string number = digits < 0 ? lower : lower[..digits], unit = digits < 0 ? "" : lower[digits..].Trim();
        int power = unit switch
        {
            "" or "b" => 0,
            "k" or "kb" or "kib" => 1,
            "m" or "mb" or "mib" => 2,
            "g" or "gb" or "gib" => 3,
            "t" or "tb" or "tib" => 4,
            "p" or "pb" or "pib" => 5,
            _ => throw source.Invalid($"unknown unit '{unit}'", "units: b, k, m, g, t, p"),
        };
        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value)
            || value > long.MaxValue / (decimal)(1L << (10 * power)))
        {
            throw source.Invalid($"'{number}' is not a size", "for example 64m or 2g");
        }

        return (long)(value * (1L << (10 * power)));
    }

    public static NetworkMode ParseNetwork(string text) => text switch
    {
        "default" or "" => NetworkMode.Default,
        "none" => NetworkMode.None,
        "host" => NetworkMode.Host,
        _ => throw new OptionSource("--network", text).Invalid("unknown mode", "modes: default, none, host"),
    };

    public static string ParseEntitlement(string text) => text switch
    {
        "network.host" or "security.insecure" => text,
        "device" or "ssh" or "buildx.local.delete" => throw Unsupported(text),
        _ when text.StartsWith("device=", StringComparison.Ordinal) || text.StartsWith("fs", StringComparison.Ordinal) => throw Unsupported(text),
        _ => throw new OptionSource("--allow", text)
            .Invalid("unknown entitlement", DidYouMean.Hint(text, ["network.host", "security.insecure"], "entitlements")),
    };

    private static KimgException Unsupported(string text) => new(ErrorCode.UnsupportedFeature, $"--allow {text} is not supported")
    {
        Hint = "leave it out; kimg knows network.host and security.insecure",
    };

    private static long Number(OptionSource source, string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) && value >= -1
            ? value
            : throw source.Invalid($"'{text}' is not a limit", "a number, or -1 for unlimited");
}
