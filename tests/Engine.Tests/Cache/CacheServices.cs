using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Kimg.Engine.Cache;
using Kimg.Engine.Primitives;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Cache;

/// <summary>Programs that are not ours: Azurite (Microsoft's emulator, which checks every signature), s3rver, and the clients of AWS and GitHub.</summary>
public sealed partial class CacheServices : IAsyncLifetime
{
    private const string Folder = "tests/Engine.Tests/Cache/services";

    private readonly TempDirectory _temp = new();
    private ServerProcess? _azurite, _s3rver;

    public static string AzureKey { get; } = Convert.ToBase64String("the key of an account"u8);

    public NodePackages Packages { get; private set; } = null!;

    public Uri Azure { get; private set; } = null!;

    public string S3 { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Packages = await NodePackages.InstallAsync(Folder, "cache-services");
        _azurite = new ServerProcess("env", $"AZURITE_ACCOUNTS=kimg:{AzureKey}", "node", Packages.PathOf("azurite/dist/src/blob/main.js"),
            "--blobPort", "0", "--location", _temp["azure"], "--silent", "--disableTelemetry");
        _s3rver = new ServerProcess("node", Packages.PathOf("s3rver/bin/s3rver.js"), "--port", "0", "--directory", _temp["s3"], "--configure-bucket", "cache");
        await _azurite.SaysAsync("successfully listens on");
        await _s3rver.SaysAsync("listening on");
        Azure = new Uri($"http://{Address().Match(_azurite.Output[_azurite.Output.IndexOf("successfully", StringComparison.Ordinal)..]).Value}/kimg");
        S3 = $"http://{Address().Match(_s3rver.Output).Value}";
    }

    public Task DisposeAsync()
    {
        _azurite?.Dispose();
        _s3rver?.Dispose();
        _temp.Dispose();
        return Task.CompletedTask;
    }

    internal CacheLocation Location(string kind) => kind switch
    {
        "s3" => new S3Cache("eu-west-1", "cache") { Endpoint = S3, UsePathStyle = true, Prefix = "ci/", AccessKeyId = "S3RVER", SecretAccessKey = new Secret("S3RVER") },
        "azblob" => new AzureBlobCache(Azure) { Container = "cache", Prefix = "some where/", SecretAccessKey = new Secret(AzureKey) },
        _ => new AzureBlobCache(new Uri($"{Azure}?{SharedAccess()}")) { Container = "cache" },
    };

    public Task<ProgramResult> RunAsync(string script, string[] arguments, Dictionary<string, string>? environment = null) =>
        Packages.RunAsync(RepositoryFiles.Path($"{Folder}/{script}"), arguments, environment);

    // learn.microsoft.com, "Create an account SAS".
    private static string SharedAccess()
    {
        const string version = "2021-12-02", expires = "2099-01-01T00:00:00Z";
        string signed = $"kimg\nrwlac\nb\nsco\n\n{expires}\n\nhttps,http\n{version}\n\n";
        string signature = Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(AzureKey), Encoding.UTF8.GetBytes(signed)));
        return $"sv={version}&ss=b&srt=sco&sp=rwlac&se={Uri.EscapeDataString(expires)}&spr=https,http&sig={Uri.EscapeDataString(signature)}";
    }

    [GeneratedRegex(@"127\.0\.0\.1:[1-9]\d*")]
    private static partial Regex Address();
}
