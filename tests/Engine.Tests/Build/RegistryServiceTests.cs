using System.Net;
using Kimg.Engine.Build;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Build;

public sealed class RegistryServiceTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Theory]
    [InlineData(false, HttpStatusCode.Accepted)]
    [InlineData(true, HttpStatusCode.MethodNotAllowed)]
    public async Task Serves_until_it_is_canceled(bool readOnly, HttpStatusCode pushed)
    {
        using var stop = new CancellationTokenSource();
        var address = new TaskCompletionSource<string>();
        Task serving = RegistryService.ServeAsync(
            new BuilderOptions { StateDirectory = _temp.Path }, new ServeRequest("localhost:0", null, null, null, readOnly), address.SetResult, stop.Token);
        using var client = new HttpClient { BaseAddress = new Uri($"http://{await address.Task}") };
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/v2/")).StatusCode);
        Assert.Equal(pushed, (await client.PostAsync("/v2/app/blobs/uploads/", null)).StatusCode);
        await stop.CancelAsync();
        await serving;
    }
}
