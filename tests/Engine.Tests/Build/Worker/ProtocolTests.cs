using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using Kimg.Engine.Build.Worker;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Kimg.Engine.Snapshots;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Kimg.Engine.Tests.Build.Worker;

/// <summary>Whatever one side sends, the other fails with one error and never waits for ever.</summary>
public class ProtocolTests
{
    public static TheoryData<byte[]> Garbage
    {
        get
        {
            byte[][] chosen =
            [
                Frame("{}"), Frame("null"), Frame("[1,2"), Frame("""{"Id":1}"""), Frame("""{"Id":1,"Call":{"call":"nothing"}}"""),
                Frame("""{"Id":"x","Call":null}"""), Frame("""{"Id":1,"Call":{"call":"run"}}"""), new byte[8], [1],
                [0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0], [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
                [2, 0, 0, 0, 9, 0, 0, 0, (byte)'{', (byte)'}'], [200, 0, 0, 0, 0, 0, 0, 0, (byte)'{'],
            ];
            var data = new TheoryData<byte[]>(chosen);
            var random = new Random(1);
            for (int i = 0; i < 40; i++)
            {
                byte[] noise = new byte[random.Next(1, 300)];
                random.NextBytes(noise);
                data.Add(i % 2 == 0 ? noise : Frame(Encoding.Latin1.GetString(noise)));
            }

            return data;
        }
    }

    [Theory, MemberData(nameof(Garbage))]
    public async Task A_worker_that_is_sent_garbage_ends(byte[] garbage)
    {
        (SafeFileHandle front, SafeFileHandle back) = LocalSockets.Pair();
        using var channel = new WorkerChannel(back);
        using var server = new WorkerServer(channel, (_, _) => throw new InvalidOperationException("nobody was greeted"));
        Task serve = Task.Run(server.Serve);
        LocalSockets.Send(front, garbage, []);
        LocalSockets.Shutdown(front);
        Exception? error = await Record.ExceptionAsync(() => serve.WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.True(error is null or KimgException { Code: ErrorCode.WorkerFailed }, error?.ToString());
        front.Dispose();
    }

    [Theory, MemberData(nameof(Garbage))]
    public async Task A_front_that_is_sent_garbage_fails_its_calls(byte[] garbage)
    {
        (SafeFileHandle front, SafeFileHandle back) = LocalSockets.Pair();
        await using var connection = new WorkerConnection(new WorkerChannel(front), () => Task.FromResult("its last words"));
        WorkerConnection.Call call = connection.Begin(new ScanCall(new SnapshotKey(Digest.Sha256("x"))), []);
        LocalSockets.Send(back, garbage, []);
        LocalSockets.Shutdown(back);
        Exception? error = await Record.ExceptionAsync(() => connection.EndAsync(call, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(20)));
        // A frame with the call's own id and nothing else is a good reply.
        Assert.True(error is null or KimgException { Code: ErrorCode.WorkerFailed }, error?.ToString());
        back.Dispose();
    }

    [Fact]
    public async Task A_request_before_the_greeting_is_refused_and_the_next_one_heard()
    {
        (SafeFileHandle front, SafeFileHandle back) = LocalSockets.Pair();
        using var channel = new WorkerChannel(back);
        using var server = new WorkerServer(channel, (_, _) => throw new InvalidOperationException("nobody was greeted"));
        Task serve = Task.Run(server.Serve);
        await using (var connection = new WorkerConnection(new WorkerChannel(front), async () => { await serve; return ""; }))
        {
            for (int i = 0; i < 2; i++)
            {
                WorkerConnection.Call call = connection.Begin(new RemoveCall([new SnapshotKey(Digest.Sha256("x"))], ImmutableArray<string>.Empty), []);
                KimgException error = await Assert.ThrowsAsync<KimgException>(() => connection.EndAsync(call, CancellationToken.None));
                Assert.Equal(ErrorCode.WorkerFailed, error.Code);
            }

            KimgException version = await Assert.ThrowsAsync<KimgException>(() => connection.EndAsync(
                connection.Begin(new HelloCall(99, new WorkerSettings("/s", "/s", "auto", "/p", default)), []), CancellationToken.None));
            Assert.Equal($"the worker speaks version {WorkerChannel.Version}, not 99", version.Message);
        }
    }

    private static byte[] Frame(string json)
    {
        byte[] body = Encoding.UTF8.GetBytes(json), frame = new byte[8 + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, body.Length);
        body.CopyTo(frame, 8);
        return frame;
    }
}
