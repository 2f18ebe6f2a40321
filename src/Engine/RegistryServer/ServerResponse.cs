using System.Buffers;
using System.Text.Json;

namespace Kimg.Engine.RegistryServer;

/// <summary>What the server answers. The body is sent from its position on, <see cref="Length"/> bytes of it; for HEAD only its length is told.</summary>
internal sealed record ServerResponse(int Status) : IDisposable
{
    public List<(string Name, string Value)> Headers { get; init; } = [];

    public Stream? Body { get; init; }

    public long Length { get; init; }

    public ServerResponse With(string name, string? value)
    {
        if (value is not null) Headers.Add((name, value));
        return this;
    }

    public static ServerResponse Bytes(int status, string contentType, ReadOnlyMemory<byte> bytes) =>
        new ServerResponse(status) { Body = new MemoryStream(bytes.ToArray(), writable: false), Length = bytes.Length }.With("Content-Type", contentType);

    public static ServerResponse Json(int status, Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer)) write(json);
        return Bytes(status, "application/json", buffer.WrittenMemory);
    }

    /// <summary>An error body of the distribution specification.</summary>
    /// <param name="code">One of its codes, such as MANIFEST_UNKNOWN.</param>
    public static ServerResponse Error(int status, string code, string message) => Json(status, json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("errors");
        json.WriteStartObject();
        json.WriteString("code", code);
        json.WriteString("message", message);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
    });

    public void Dispose() => Body?.Dispose();
}
