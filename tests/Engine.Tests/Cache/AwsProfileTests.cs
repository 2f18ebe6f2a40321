using System.Collections.Frozen;
using Kimg.Engine.Cache;
using Kimg.Engine.Primitives;
using Kimg.Engine.Registry.Credentials;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Cache;

/// <summary>Profiles of <c>~/.aws</c> on a machine that has an identity of its own: whoever names a profile does not mean the machine's.</summary>
public sealed class AwsProfileTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData("[profile ci]\nrole_arn = arn:aws:iam::1:role/ci\nsource_profile = default\n", "role_arn")]
    [InlineData("[profile ci]\nrole_arn = arn:aws:iam::1:role/ci\naws_access_key_id = x\naws_secret_access_key = y\n", "role_arn")]
    [InlineData("[profile ci]\ncredential_process = /bin/false\n", "credential_process")]
    [InlineData("[profile ci]\nsso_session = corp\nregion = eu-west-1\n", "sso_session")]
    [InlineData("[profile ci]\nsso_start_url = https://x.example\n", "sso_start_url")]
    [InlineData("[profile ci]\naws_access_key_id = x\n", "aws_secret_access_key")]
    [InlineData("[profile other]\naws_access_key_id = x\naws_secret_access_key = y\n", "there is no AWS profile 'ci'")]
    [InlineData("", "there is no AWS profile 'ci'")]
    public async Task A_profile_that_is_named_and_cannot_be_used_is_an_error_and_not_another_identity(string config, string word)
    {
        Write("config", config);
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => FindAsync(("AWS_PROFILE", "ci")));
        Assert.Equal(ErrorCode.AuthenticationFailed, error.Code);
        Assert.Contains(word, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Hint);
    }

    [Fact]
    public async Task The_default_profile_counts_as_named_when_it_says_how_to_get_credentials()
    {
        Write("config", "[default]\nrole_arn = arn:aws:iam::1:role/ci\nsource_profile = base\n");
        KimgException error = await Assert.ThrowsAsync<KimgException>(() => FindAsync());
        Assert.Contains("aws configure export-credentials --profile default", error.Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("[default]\nregion = eu-west-1\n", "")]
    [InlineData("[profile ci]\nregion = eu-west-1\n", "ci")]
    public async Task A_profile_that_says_nothing_of_credentials_leaves_them_to_the_machine(string config, string profile)
    {
        Write("config", config);
        Assert.Equal("from-machine", await FindAsync(("AWS_PROFILE", profile)));
    }

    [Fact]
    public async Task Keys_of_the_environment_go_before_a_profile()
    {
        Write("config", "[profile ci]\ncredential_process = /bin/false\n");
        Assert.Equal("from-env", await FindAsync(("AWS_PROFILE", "ci"), ("AWS_ACCESS_KEY_ID", "from-env"), ("AWS_SECRET_ACCESS_KEY", "s")));
    }

    [Fact]
    public async Task Keys_of_the_credentials_file_go_before_a_program_that_gives_some()
    {
        Write("config", "[profile ci]\ncredential_process = /bin/false\n");
        Write("credentials", "[ci]\naws_access_key_id = from-file\naws_secret_access_key = s\n");
        Assert.Equal("from-file", await FindAsync(("AWS_PROFILE", "ci")));
    }

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(_temp["home/.aws"]);
        File.WriteAllText(_temp["home/.aws/" + name], text);
    }

    private async Task<string> FindAsync(params (string Name, string Value)[] variables)
    {
        var options = new CredentialOptions
        {
            Environment = variables.Append(("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/me")).ToFrozenDictionary(v => v.Item1, v => v.Item2),
            HomeDirectory = _temp["home"],
            CloudHandler = () => new Container(),
        };
        return (await new AwsCredentialChain(new S3Cache("eu-west-1", "b"), options).GetAsync(CancellationToken.None)).AccessKey;
    }

    private sealed class Container : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(
            new HttpResponseMessage(System.Net.HttpStatusCode.OK) { Content = new StringContent("""{"AccessKeyId":"from-machine","SecretAccessKey":"s"}""") });
    }
}
