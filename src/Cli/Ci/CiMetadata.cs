using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Kimg.Ci.Hosts;

namespace Kimg.Cli.Ci;

/// <summary>Where a build came from, in its metadata file: <c>kimg.ci</c> beside what docker buildx writes.</summary>
internal static class CiMetadata
{
    public static async Task AddAsync(string file, CiHost ci, CancellationToken cancellationToken) =>
        await File.WriteAllTextAsync(file, With(await File.ReadAllBytesAsync(file, cancellationToken), ci), cancellationToken);

    public static string With(ReadOnlyMemory<byte> metadata, CiHost ci)
    {
        CiFacts facts = ci.Facts;
        (string Name, string? Value)[] members =
        [
            ("host", ci.Name), ("source", facts.Url), ("revision", facts.Commit), ("ref", facts.Ref), ("event", facts.Event), ("run", facts.RunUrl), ("builder", facts.Builder),
        ];
        using JsonDocument written = JsonDocument.Parse(metadata);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            foreach (JsonProperty property in written.RootElement.EnumerateObject()) property.WriteTo(json);
            json.WriteStartObject("kimg.ci");
            foreach ((string name, string? value) in members)
            {
                if (!string.IsNullOrEmpty(value)) json.WriteString(name, value);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray()) + "\n";
    }
}
