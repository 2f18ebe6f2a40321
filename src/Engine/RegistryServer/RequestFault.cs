namespace Kimg.Engine.RegistryServer;

/// <summary>A request that is answered with an error. Never leaves the server.</summary>
internal sealed class RequestFault(int status, string code, string message) : Exception(message)
{
    public int Status { get; } = status;

    public string Code { get; } = code;

    /// <summary>A header for the answer, or null.</summary>
    public (string Name, string Value)? Header { get; init; }

    public ServerResponse ToResponse() => ServerResponse.Error(Status, Code, Message).With(Header?.Name ?? "", Header?.Value);

    public static RequestFault NotFound(string code, string message) => new(404, code, message);

    public static RequestFault Invalid(string code, string message) => new(400, code, message);
}
