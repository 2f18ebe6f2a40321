using System.Collections.Immutable;
using Kimg.Engine.Build.Worker;
using Kimg.Engine.Primitives;
using Kimg.Engine.Sandbox;

namespace Kimg.Engine.Build;

/// <summary>What <c>kimg doctor</c> tells: the choice a build would make now, and what each host feature gave when it was used.</summary>
public static class HostExamination
{
    public static async Task<HostReport> ExamineAsync(BuilderOptions options, CancellationToken cancellationToken = default) =>
        !WorkerFactory.IsPossible(options) && AbsentWorker.Refusal() is var refusal
        ? new HostReport("none", "none", [new HostFinding("RUN", false, refusal.Message, refusal.Hint)])
        : await ExamineAsync(WorkerFactory.Options(options, new StateLayout(options.StateDirectory)), new Emulators(options.Emulators), cancellationToken);

    internal static async Task<HostReport> ExamineAsync(WorkerOptions options, Emulators emulators, CancellationToken cancellationToken)
    {
        var ladder = new IsolationLadder(options.Without);
        ImmutableArray<HostFinding> findings = [.. HostProbe.OutsideFindings(ladder, options.Without), HostProbe.EmulatorFinding(emulators)];
        try
        {
            IsolationMode mode = ladder.Choose(options.Isolation);
            await using WorkerConnection worker = await WorkerLauncher.StartAsync(options, ladder, cancellationToken);
            WorkerReply reply = await worker.EndAsync(worker.Begin(new ExamineCall(), []), cancellationToken);
            return new HostReport(mode.Name(), worker.StorageDriver, [.. findings, .. reply.Findings ?? throw WorkerConnection.Incomplete("examine")]);
        }
        catch (KimgException e) when (e.Code is ErrorCode.NoSandbox or ErrorCode.WorkerFailed)
        {
            return new HostReport("none", "none", [.. findings, new HostFinding("RUN", false, e.Message, e.Hint)]);
        }
    }
}
