using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Kimg.Engine.Build;
using Kimg.Engine.Cache;
using Kimg.Engine.Oci;
using Kimg.TestKit;
using Xunit;

namespace Kimg.Engine.Tests.Cache;

/// <summary>Hosts of caches that take their time.</summary>
public sealed class SlowCacheTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task A_host_that_never_answers_is_given_up_and_the_build_goes_on()
    {
        using var host = new Host(_ => new TaskCompletionSource().Task);
        var watch = Stopwatch.StartNew();
        Recorder seen = await BuildAsync(TimeSpan.FromSeconds(1), host);
        Assert.Contains(seen.Warnings, w => w.Contains("did not answer within 1 s", StringComparison.Ordinal));
        Assert.InRange(watch.Elapsed, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Caches_are_asked_at_the_same_time()
    {
        // Each answers when both were asked.
        TaskCompletionSource first = new(), second = new();
        using var one = new Host(async _ => (await Signal(first, second)).ToString());
        using var other = new Host(async _ => (await Signal(second, first)).ToString());
        Recorder seen = await BuildAsync(TimeSpan.FromMinutes(1), one, other);
        Assert.Equal(2, seen.Warnings.Count(w => w.Contains("there is no cache", StringComparison.Ordinal)));
    }

    private static async Task<bool> Signal(TaskCompletionSource mine, TaskCompletionSource its)
    {
        mine.TrySetResult();
        await its.Task;
        return true;
    }

    private async Task<Recorder> BuildAsync(TimeSpan patience, params Host[] caches)
    {
        string context = Directory.CreateDirectory(_temp["context"]).FullName;
        await File.WriteAllTextAsync(Path.Combine(context, "file"), "x");
        var events = new Recorder();
        await using var builder = ImageBuilder.Create(new BuilderOptions { StateDirectory = _temp["state"], CachePatience = patience });
        await builder.BuildAsync(
            new BuildRequest
            {
                Context = new DirectoryContext(context),
                DockerfileText = "FROM scratch\nCOPY file /\n",
                Outputs = [new OutputSpec { Type = OutputType.CacheOnly }],
                CacheFrom = [.. caches.Select(cache => new CacheSource(new RegistryCache(ImageReference.Parse($"127.0.0.1:{cache.Port}/app:cache"))))],
            },
            events);
        return events;
    }

    /// <summary>Answers 404 to each request, after what it is given to wait for.</summary>
    private sealed class Host : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Func<string, Task> _before;

        public Host(Func<string, Task> before)
        {
            _before = before;
            _listener.Start();
            _ = AcceptAsync();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public void Dispose() => _listener.Dispose();

        private async Task AcceptAsync()
        {
            while (true)
            {
                TcpClient client;
                try
                {
                    client = await _listener.AcceptTcpClientAsync();
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    return;
                }

                _ = AnswerAsync(client);
            }
        }

        private async Task AnswerAsync(TcpClient client)
        {
            using (client)
            {
                try
                {
                    var buffer = new byte[16 << 10];
                    int read = await client.GetStream().ReadAsync(buffer);
                    await _before(Encoding.ASCII.GetString(buffer, 0, read));
                    await client.GetStream().WriteAsync("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray());
                }
                catch (IOException)
                {
                    // The client has given up.
                }
            }
        }
    }
}
