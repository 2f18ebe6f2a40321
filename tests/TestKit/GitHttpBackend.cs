using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Kimg.TestKit;

/// <summary>git's own <c>git http-backend</c> (smart HTTP, CGI): a request in, its answer out.</summary>
public static class GitHttpBackend
{
    /// <param name="root">The directory whose repositories are served.</param>
    /// <param name="path">Of the request, with query, relative to the root.</param>
    public static ScriptedAnswer Answer(ScriptedRequest request, string root, string path)
    {
        string[] target = path.Split('?', 2);
        var start = new ProcessStartInfo("git", ["http-backend"]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach ((string name, string? value) in new[]
        {
            ("GIT_PROJECT_ROOT", root), ("GIT_HTTP_EXPORT_ALL", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null"), ("REMOTE_ADDR", "127.0.0.1"),
            ("REQUEST_METHOD", request.Method), ("PATH_INFO", Uri.UnescapeDataString(target[0])), ("QUERY_STRING", target.ElementAtOrDefault(1) ?? ""),
            ("CONTENT_TYPE", request.Headers.GetValueOrDefault("Content-Type")), ("CONTENT_LENGTH", $"{request.Body.Length}"),
            ("HTTP_CONTENT_ENCODING", request.Headers.GetValueOrDefault("Content-Encoding")), ("GIT_PROTOCOL", request.Headers.GetValueOrDefault("Git-Protocol")),
        }) start.Environment[name] = value;
        using Process git = Process.Start(start) ?? throw new InvalidOperationException("git did not start");
        git.StandardInput.BaseStream.Write(request.Body);
        git.StandardInput.Close();
        var output = new MemoryStream();
        git.StandardOutput.BaseStream.CopyTo(output);
        git.WaitForExit();
        return Parse(output.ToArray());
    }

    // CGI: headers, an empty line, the body; the status is a header too.
    private static ScriptedAnswer Parse(byte[] output)
    {
        int end = output.AsSpan().IndexOf("\r\n\r\n"u8);
        string[][] headers = [.. Encoding.ASCII.GetString(output, 0, end).Split("\r\n").Select(line => line.Split(": ", 2))];
        string? status = headers.FirstOrDefault(h => h[0] == "Status")?[1];
        return new ScriptedAnswer(
            status is null ? 200 : int.Parse(status[..3], CultureInfo.InvariantCulture),
            output[(end + 4)..],
            [.. headers.Where(h => h[0] != "Status").Select(h => (h[0], h[1]))]);
    }
}
