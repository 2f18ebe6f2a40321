using System.Collections.Concurrent;
using Kimg.Engine.Native;
using Kimg.Engine.Primitives;
using Microsoft.Win32.SafeHandles;

namespace Kimg.Engine.Build.Worker;

/// <summary>A running worker: requests out, replies in, matched by id. When the stream ends or is broken every waiting call fails.</summary>
internal sealed class WorkerConnection : IAsyncDisposable
{
    private readonly WorkerChannel _channel;
    private readonly Func<Task<string>> _ended;
    private readonly ConcurrentDictionary<long, Call> _waiting = new();
    private readonly Thread _receiver;
    private long _last;
    private KimgException? _broken;

    /// <param name="ended">Waits until the worker process is gone, killing it if need be; gives what it had written to standard error.</param>
    internal WorkerConnection(WorkerChannel channel, Func<Task<string>> ended)
    {
        (_channel, _ended) = (channel, ended);
        _receiver = new Thread(Receive, 256 * 1024) { IsBackground = true, Name = "worker replies" };
        _receiver.Start();
    }

    /// <summary>Known after <see cref="GreetAsync"/>.</summary>
    internal string StorageDriver { get; private set; } = "";

    internal sealed class Call(long id)
    {
        internal long Id { get; } = id;

        internal TaskCompletionSource<WorkerReply> Source { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Task<WorkerReply> Reply => Source.Task;

        /// <summary>What came with the reply; the caller owns it.</summary>
        internal SafeFileHandle[] Descriptors { get; set; } = [];
    }

    internal async Task GreetAsync(WorkerSettings settings, CancellationToken cancellationToken)
    {
        WorkerReply reply = await EndAsync(Begin(new HelloCall(WorkerChannel.Version, settings), []), cancellationToken);
        StorageDriver = reply.StorageDriver ?? throw Incomplete("hello");
    }

    /// <summary>Sends a request; the descriptors may be closed afterwards.</summary>
    internal Call Begin(WorkerCall request, IReadOnlyList<SafeFileHandle> descriptors)
    {
        var call = new Call(Interlocked.Increment(ref _last));
        _waiting[call.Id] = call;
        try
        {
            _channel.Send(new WorkerRequest(call.Id, request), WorkerJson.Default.WorkerRequest, descriptors);
        }
        catch (Exception e) when (e is SyscallException or ObjectDisposedException)
        {
            _waiting.TryRemove(call.Id, out _);
            throw _broken ?? Gone(e.Message);
        }

        // The receiver may have failed everybody just before this call was there to be failed.
        if (_broken is { } broken) call.Source.TrySetException(broken);
        return call;
    }

    /// <summary>Waits for the reply. Cancelling ends the request in the worker, and waits until it has ended.</summary>
    internal async Task<WorkerReply> EndAsync(Call call, CancellationToken cancellationToken)
    {
        WorkerReply reply;
        await using (cancellationToken.Register(() => _ = TellCancelled(call)))
        {
            reply = await call.Reply;
        }

        Throw(reply, cancellationToken);
        return reply;
    }

    /// <summary>Returns when the worker knows that the request is cancelled; its reply may come later.</summary>
    internal async Task CancelAsync(Call call)
    {
        if (TellCancelled(call) is { } told) await told.Reply;
    }

    internal static void Throw(WorkerReply reply, CancellationToken cancellationToken)
    {
        if (reply.Fault is not { } fault) return;
        if (fault.Code is not { } code) throw new OperationCanceledException(cancellationToken);
        throw new KimgException(code, fault.Message) { Hint = fault.Hint, StepExitCode = fault.StepExitCode };
    }

    internal static KimgException Incomplete(string call) => new(ErrorCode.WorkerFailed, $"the worker's answer to '{call}' is incomplete");

    public async ValueTask DisposeAsync()
    {
        _channel.Shutdown();
        _receiver.Join();
        await _ended();
        _channel.Dispose();
    }

    private Call? TellCancelled(Call call)
    {
        try
        {
            return Begin(new CancelCall(call.Id), []);
        }
        catch (KimgException)
        {
            return null; // the worker is gone, and the call fails for that reason
        }
    }

    private void Receive()
    {
        KimgException reason;
        try
        {
            while (_channel.Receive(WorkerJson.Default.WorkerReply) is ({ } reply, var descriptors))
            {
                if (_waiting.TryRemove(reply.Id, out Call? call))
                {
                    call.Descriptors = descriptors;
                    call.Source.TrySetResult(reply);
                }
                else
                {
                    foreach (SafeFileHandle descriptor in descriptors) descriptor.Dispose();
                }
            }

            reason = Gone(null);
        }
        catch (KimgException e)
        {
            reason = e;
        }
        catch (SyscallException e)
        {
            reason = Gone(e.Message);
        }

        _broken = reason;
        _channel.Shutdown();
        string said = _ended().GetAwaiter().GetResult();
        if (said.Length > 0) reason = _broken = new KimgException(reason.Code, $"{reason.Message}: {said}", reason);
        foreach (Call call in _waiting.Values) call.Source.TrySetException(reason);
    }

    private static KimgException Gone(string? detail) =>
        new(ErrorCode.WorkerFailed, detail is null ? "the worker ended unexpectedly" : $"the worker ended unexpectedly: {detail}");
}
