using Kimg.Engine.Primitives;
using Kimg.Engine.Registry.Credentials;

namespace Kimg.Engine.Cache;

/// <summary>Credentials for a bucket, in the order of AWS's own tools: given ones, environment, web identity, profiles of <c>~/.aws</c>, container,
/// instance.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Reliability", "CA1001", Justification = "a semaphore without a wait handle holds nothing")]
internal sealed class AwsCredentialChain(S3Cache cache, CredentialOptions options)
{
    // Those of roles are valid for longer when they are given out, and are asked for again well before they end.
    private static readonly TimeSpan s_fresh = TimeSpan.FromMinutes(10);

    private readonly SemaphoreSlim _gate = new(1);
    private AwsIdentity? _known;
    private DateTimeOffset _since;

    /// <exception cref="KimgException">AuthenticationFailed: there are none.</exception>
    public async Task<AwsIdentity> GetAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            DateTimeOffset now = options.Time.GetUtcNow();
            if (_known is { } known && now - _since < s_fresh) return known;
            _since = now;
            return _known = await FindAsync(cancellationToken) ?? throw new KimgException(ErrorCode.AuthenticationFailed, $"no AWS credentials for the bucket '{cache.Bucket}'")
            {
                Hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give the job a role",
            };
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<AwsIdentity?> FindAsync(CancellationToken cancellationToken)
    {
        if (cache.AccessKeyId is { } id && cache.SecretAccessKey is { } secret) return new AwsIdentity(id, secret, cache.SessionToken, "access_key_id");
        bool before = options.Variable("AWS_ACCESS_KEY_ID") is not null || options.Variable("AWS_WEB_IDENTITY_TOKEN_FILE") is not null;
        return (before ? null : new AwsProfiles(options).Find()) ?? await new AwsCredentials(options, new CloudHttp(options)).FindAsync(cache.Region, cancellationToken);
    }
}
