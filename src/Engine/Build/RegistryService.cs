using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Kimg.Engine.Primitives;
using Kimg.Engine.RegistryServer;

namespace Kimg.Engine.Build;

/// <summary>kimg registry serve.</summary>
public static class RegistryService
{
    /// <summary>Serves until canceled.</summary>
    /// <param name="listening">Called with the address once requests are answered.</param>
    public static async Task ServeAsync(BuilderOptions options, ServeRequest request, Action<string> listening, CancellationToken cancellationToken = default)
    {
        using X509Certificate2? certificate = request.CertificateFile is { } file ? LoadCertificate(file, request.KeyFile) : null;
        var server = new RegistryServerOptions
        {
            Directory = request.Directory ?? Path.Combine(options.StateDirectory, "registry"),
            Endpoint = EndpointOf(request.Address),
            Certificate = certificate,
            Middleware = request.ReadOnly ? RefuseChanges : null,
            Time = options.Time,
        };
        await using EmbeddedRegistry registry = EmbeddedRegistry.Start(server);
        listening(registry.Host);
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration stop = cancellationToken.Register(stopped.SetResult);
        await stopped.Task;
    }

    private static Task<ServerResponse> RefuseChanges(ServerRequest request, Func<Task<ServerResponse>> next) =>
        request.Method is "GET" or "HEAD" ? next() : Task.FromResult(ServerResponse.Error(405, "UNSUPPORTED", "this registry is read-only"));

    private static IPEndPoint EndpointOf(string address)
    {
        string text = address.StartsWith("localhost:", StringComparison.Ordinal) ? "127.0.0.1" + address["localhost".Length..] : address;
        return IPEndPoint.TryParse(text, out IPEndPoint? endpoint) && text.Contains(':') ? endpoint
            : throw new KimgException(ErrorCode.InvalidArgument, $"cannot listen on '{address}': it is not ADDRESS:PORT") { Hint = "for example 127.0.0.1:5000 or 0.0.0.0:5000" };
    }

    private static X509Certificate2 LoadCertificate(string file, string? key)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(file, key);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new KimgException(ErrorCode.InvalidArgument, $"cannot use the certificate '{file}': {error.Message}", error) { Hint = "PEM files of a certificate and its key are needed" };
        }
    }
}

/// <param name="Address">HOST:PORT; port 0: a free one.</param>
/// <param name="Directory">null: in the state directory.</param>
public sealed record ServeRequest(string Address, string? Directory, string? CertificateFile, string? KeyFile, bool ReadOnly);
