using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Kimg.Ci.Hosts;
using Kimg.Engine.Primitives;

namespace Kimg.Ci.Reports;

/// <summary>GitLab's code quality report (docs.gitlab.com/ci/testing/code_quality, "Code Quality report format").</summary>
internal static class CodeQuality
{
    public static string Render(IEnumerable<CiAnnotation> findings, string dockerfile)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartArray();
            foreach (CiAnnotation finding in findings)
            {
                string file = finding.File ?? dockerfile;
                json.WriteStartObject();
                json.WriteString("description", finding.Message);
                json.WriteString("check_name", finding.Title);
                // Without the line: a finding stays the same when lines above it change.
                json.WriteString("fingerprint", Digest.Sha256($"{finding.Title}\n{file}\n{finding.Message}").Hex[..32]);
                json.WriteString("severity", finding.Error ? "major" : "minor");
                json.WriteStartObject("location");
                json.WriteString("path", file);
                json.WriteStartObject("lines");
                json.WriteNumber("begin", Math.Max(1, finding.Line));
                json.WriteEndObject();
                json.WriteEndObject();
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }
}
