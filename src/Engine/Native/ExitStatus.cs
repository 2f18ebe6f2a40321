namespace Kimg.Engine.Native;

/// <summary>How a process ended, from waitpid(2)'s status word.</summary>
internal readonly record struct ExitStatus(int Status)
{
    /// <summary>The signal that killed it, or null.</summary>
    public int? Signal => (Status & 0x7f) is var signal and not 0 ? signal : null;

    /// <summary>As a shell says it: the exit code, or 128 + signal.</summary>
    public int Code => Signal is { } signal ? 128 + signal : (Status >> 8) & 0xff;
}
