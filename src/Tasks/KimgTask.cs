using Kimg.Engine.Primitives;
using Microsoft.Build.Framework;

namespace Kimg.Tasks;

/// <summary>What all tasks share: which binary, how it is set up, how it is stopped, and how its errors are told.</summary>
public abstract class KimgTask : Microsoft.Build.Utilities.Task, ICancelableTask, IDisposable
{
    private readonly CancellationTokenSource _cancel = new();

    /// <summary>The project that errors without a better place are about.</summary>
    [Required]
    public string ProjectFile { get; set; } = "";

    /// <summary>The package's folder of binaries.</summary>
    [Required]
    public string ToolsDirectory { get; set; } = "";

    /// <summary>Another binary than the bundled one; empty: the bundled one.</summary>
    public string KimgBinary { get; set; } = "";

    public string StateDirectory { get; set; } = "";

    public string Isolation { get; set; } = "";

    public string[] RegistryInsecure { get; set; } = [];

    public string[] RegistryMirror { get; set; } = [];

    /// <summary>Registry of the new image, for the SDK's credential variables.</summary>
    public string ContainerRegistry { get; set; } = "";

    /// <summary>The base image, for the same.</summary>
    public string BaseImage { get; set; } = "";

    /// <summary>ContainerFamily, where it chose the base image.</summary>
    public string BaseFamily { get; set; } = "";

    public string SourceDateEpoch { get; set; } = "";

    public void Cancel() => _cancel.Cancel();

    public void Dispose()
    {
        _cancel.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <returns>False when anything was logged as an error.</returns>
    public sealed override bool Execute()
    {
        try
        {
            Run();
        }
        catch (OperationCanceledException) when (_cancel.IsCancellationRequested)
        {
            Log.LogMessage(MessageImportance.High, "Stopped.");
            return false;
        }
        catch (KimgException e)
        {
            new BuildLog(Log, null).WriteFailure(new KimgFailure(e.Code.Name(), e.Message, e.Hint), ProjectFile, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            new BuildLog(Log, null).WriteFailure(new KimgFailure(ErrorCode.StorageFailed.Name(), e.Message, null), ProjectFile, null);
        }

        return !Log.HasLoggedErrors;
    }

    /// <summary>Names of the new image, whose registries the SDK's credential variables are for as well.</summary>
    private protected virtual IEnumerable<string> NewNames => [];

    private protected CancellationToken Canceled => _cancel.Token;

    protected abstract void Run();

    private protected KimgProcess CreateProcess(string directory)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        if (SourceDateEpoch.Length > 0) variables["SOURCE_DATE_EPOCH"] = SourceDateEpoch;
        variables[SdkCredentials.PushRegistry] = string.Join(' ', ImageNaming.Registries(ContainerRegistry, NewNames));
        if (BaseImage.Contains('/', StringComparison.Ordinal)) variables[SdkCredentials.PullRegistry] = BaseImage.Split('/')[0];
        string[] kimg = Tasks.KimgBinary.Find(KimgBinary, ToolsDirectory);
        return new KimgProcess(kimg, directory, variables, command => Log.LogMessage(MessageImportance.Low, "{0}", command), Canceled);
    }

    /// <summary>Options that every verb with a store and a registry takes.</summary>
    private protected IEnumerable<string> EngineOptions(bool sandbox)
    {
        if (StateDirectory.Length > 0) yield return "--state-dir=" + Path.GetFullPath(StateDirectory);
        if (sandbox && Isolation.Length > 0) yield return "--isolation=" + Isolation;
        foreach (string host in RegistryInsecure) yield return "--registry-insecure=" + host;
        foreach (string mirror in RegistryMirror) yield return "--registry-mirror=" + mirror;
        yield return "--log-format=json";
    }

    internal IEnumerable<string> Options() => EngineOptions(sandbox: true);

    /// <summary>Runs a verb whose result is on stdout; a failure is told with the setting it comes from.</summary>
    /// <returns>Null when it failed.</returns>
    private protected string? Ask(KimgProcess process, IEnumerable<string> arguments, Func<KimgFailure, string?> setting)
    {
        var lines = new BuildLog(Log, null);
        ProcessAnswer answer = process.Run(arguments, lines.OnLine);
        if (answer.ExitCode == 0) return answer.Output;
        KimgFailure failure = lines.Failure ?? Unknown(answer.ExitCode);
        lines.WriteFailure(failure, ProjectFile, setting(failure));
        return null;
    }

    private protected static KimgFailure Unknown(int exitCode) =>
        new(ErrorCode.Internal.Name(), $"kimg ended with exit code {exitCode} and said nothing", "run it by hand with the command line in the detailed log");
}
