using System.Collections.Immutable;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Registry.Credentials;

/// <summary>The <c>docker-credential-NAME</c> programs (docker/docker-credential-helpers): the verb as the argument, the server or a JSON document on
/// stdin, the answer on stdout, also when it is an error.</summary>
internal sealed class HelperProgram(CredentialOptions options)
{
    private const int MaxOutput = 1 << 20;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1); // some ask the user

    /// <returns>Null when the helper has nothing for this registry.</returns>
    public async Task<Credential?> GetAsync(string helper, string host, string file, CancellationToken cancellationToken)
    {
        (int exit, byte[] output) = await RunAsync(helper, "get", RegistryKey.ServerAddress(host), file, cancellationToken);
        if (exit != 0)
        {
            string message = Encoding.UTF8.GetString(output).Trim();
            if (message.Contains("credentials not found", StringComparison.OrdinalIgnoreCase)) return null;
            throw Failed(helper, file, $"exit code {exit}: {OneLine(message)}");
        }

        try
        {
            HelperAnswer? answer = JsonSerializer.Deserialize(output, CredentialJson.Default.HelperAnswer);
            if (answer is not { Username: { } user, Secret: { Length: > 0 } secret }) return null;
            string source = "credential helper " + helper;
            return user == "<token>"
                ? new Credential("", new Secret(""), new Secret(secret)) { Source = source }
                : new Credential(user, new Secret(secret)) { Source = source };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Failed(helper, file, "its answer is not JSON");
        }
    }

    public async Task StoreAsync(string helper, string host, Credential credential, string file, CancellationToken cancellationToken)
    {
        (string user, Secret secret) = credential.IdentityToken is { } token ? ("<token>", token) : (credential.Username, credential.Password);
        var entry = new HelperAnswer(RegistryKey.ServerAddress(host), user, secret.Reveal());
        (int exit, byte[] output) =
            await RunAsync(helper, "store", JsonSerializer.Serialize(entry, CredentialJson.Default.HelperAnswer), file, cancellationToken);
        if (exit != 0) throw Failed(helper, file, $"exit code {exit}: {OneLine(Encoding.UTF8.GetString(output))}");
    }

    public async Task EraseAsync(string helper, string host, string file, CancellationToken cancellationToken)
    {
        (int exit, byte[] output) = await RunAsync(helper, "erase", RegistryKey.ServerAddress(host), file, cancellationToken);
        string message = Encoding.UTF8.GetString(output);
        if (exit != 0 && !message.Contains("credentials not found", StringComparison.OrdinalIgnoreCase))
            throw Failed(helper, file, $"exit code {exit}: {OneLine(message)}");
    }

    private async Task<(int Exit, byte[] Output)> RunAsync(string helper, string verb, string input, string file, CancellationToken cancellationToken)
    {
        string program = "docker-credential-" + helper;
        if (helper.Length == 0 || helper.AsSpan().IndexOfAny('/', '\\', '\0') >= 0) throw Failed(helper, file, "this is not the name of a helper");
        string path = FindProgram(program) ?? throw Failed(helper, file, $"the program {program} is not on the PATH");
        var start = new ProcessStartInfo(path, [verb])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        start.Environment.Clear();
        foreach ((string name, string value) in options.Environment) start.Environment[name] = value;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_patience);
        using Process process = Start(start, helper, file);
        try
        {
            Task<byte[]> errors = ReadAsync(process.StandardError.BaseStream, limit.Token);
            Task<byte[]> output = ReadAsync(process.StandardOutput.BaseStream, limit.Token);
            await WriteAsync(process.StandardInput.BaseStream, input, limit.Token);
            byte[] answer = await output;
            await errors;
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, answer);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failed(helper, file, $"no answer within {s_patience.TotalSeconds} seconds");
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    private static async Task WriteAsync(Stream stream, string input, CancellationToken cancellationToken)
    {
        try
        {
            await using (stream) await stream.WriteAsync(Encoding.UTF8.GetBytes(input), cancellationToken);
        }
        catch (IOException)
        {
            return; // it exits without reading; its exit code tells
        }
    }

    private static async Task<byte[]> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        using var bytes = new MemoryStream();
        var buffer = new byte[4096];
        while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var read)
            if (bytes.Length < MaxOutput) bytes.Write(buffer, 0, read);
        return bytes.ToArray();
    }

    private static Process Start(ProcessStartInfo start, string helper, string file)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw Failed(helper, file, $"it cannot be started: {e.Message}");
        }
    }

    private string? FindProgram(string program) => (options.Variable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Where(Path.IsPathRooted)
        .SelectMany(directory => OperatingSystem.IsWindows() ? ImmutableArray.Create(".exe", ".cmd") : [""], (directory, end) => Path.Combine(directory, program + end))
        .FirstOrDefault(File.Exists);

    private static string OneLine(string text) => text.Trim().ReplaceLineEndings(" ") is var line && line.Length > 300 ? line[..300] + "…" : line;

    private static KimgException Failed(string helper, string file, string why) =>
        new(ErrorCode.CredentialHelperFailed, $"credential helper '{helper}', which '{file}' names, failed: {why}")
        {
            Hint = $"install or repair docker-credential-{helper}, or remove it from credsStore and credHelpers in '{file}'",
        };
}

internal sealed record HelperAnswer(
    [property: JsonPropertyName("ServerURL")] string? ServerUrl,
    [property: JsonPropertyName("Username")] string? Username,
    [property: JsonPropertyName("Secret")] string? Secret);
