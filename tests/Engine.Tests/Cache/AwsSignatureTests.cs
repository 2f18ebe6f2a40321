using Kimg.Engine.Primitives;
using Kimg.Engine.Registry.Credentials;
using Xunit;

namespace Kimg.Engine.Tests.Cache;

/// <summary>The examples of AWS's own documentation ("Authenticating Requests: Using the Authorization Header").</summary>
public sealed class AwsSignatureTests
{
    [Theory]
    [InlineData("https://examplebucket.s3.amazonaws.com/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")]
    [InlineData("https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")]
    public void Is_the_one_of_the_examples(string address, string signature)
    {
        var identity = new AwsIdentity("AKIAIOSFODNN7EXAMPLE", new Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), null, "example");
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        AwsSigner.Sign(request, [], identity, "us-east-1", "s3", new DateTimeOffset(2013, 5, 24, 0, 0, 0, TimeSpan.Zero));
        Assert.Equal(
            $"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={signature}",
            request.Headers.GetValues("Authorization").Single());
    }
}
