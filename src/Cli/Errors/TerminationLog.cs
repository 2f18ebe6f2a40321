using Kimg.Engine.Primitives;

namespace Kimg.Cli.Errors;

/// <summary>The message Kubernetes shows for a container that ended (kubectl describe pod). The file is there in containers of pods only;
/// KIMG_TERMINATION_LOG names another one (terminationMessagePath).</summary>
internal static class TerminationLog
{
    private const string Default = "/dev/termination-log";

    // The kubelet takes 4096 bytes of one container.
    private const int MaxLength = 4000;

    public static void Write(CliHost host, KimgException error)
    {
        string path = host.Variable("KIMG_TERMINATION_LOG") is { Length: > 0 } given ? given : Default;
        if (path == Default && (host.Variable("KUBERNETES_SERVICE_HOST") is not { Length: > 0 } || !File.Exists(path))) return;
        string text = $"{error.Code.Name()}: {error.Message}{(error.Hint is { } hint ? "\nhint: " + hint : "")}\n";
        try
        {
            File.WriteAllText(path, text.Length > MaxLength ? text[..MaxLength] : text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The error itself is on stderr; that it cannot be told twice must not hide it.
            host.WriteError($"the termination log '{path}' cannot be written: {e.Message}\n");
        }
    }
}
