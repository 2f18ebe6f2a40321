using Kimg.Engine.Native;
using Kimg.Engine.Primitives;

namespace Kimg.Engine.Sandbox;

/// <summary>Finds and executes the step's program inside its root, and says why when it cannot.</summary>
internal static class StepProgram
{
    private const string DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    private const int NotExecutable = 126;
    private const int NotFound = 127;

    /// <summary>The path execve is given: the name itself when it has a slash, else the first executable of that name in PATH.</summary>
    internal static string Find(string name, IReadOnlyList<string> environment)
    {
        if (name.Contains('/')) return name;
        string path = environment.LastOrDefault(e => e.StartsWith("PATH=", StringComparison.Ordinal))?[5..] ?? DefaultPath;
        bool seen = false;
        foreach (string directory in path.Split(':'))
        {
            string candidate = directory.Length == 0 ? "./" + name : directory.TrimEnd('/') + "/" + name;
            if (!File.Exists(candidate)) continue;
            seen = true;
            if (Processes.IsExecutable(candidate)) return candidate;
        }

        throw seen
            ? Failure(NotExecutable, $"exec '{name}': permission denied", $"a file of that name is in PATH ({path}), but it is not executable; chmod +x it")
            : Failure(NotFound, $"exec '{name}': not found in PATH", $"PATH is {path}; is the package that brings '{name}' installed in the image?");
    }

    /// <summary>Never returns.</summary>
    /// <exception cref="KimgException">It could not be executed; <see cref="KimgException.StepExitCode"/> is what a shell would give.</exception>
    internal static KimgException Execute(string program, IReadOnlyList<string> args, IReadOnlyList<string> environment)
    {
        SyscallException error = Processes.Execute(program, args, environment);
        string message = $"exec '{program}': {SyscallException.Describe(error.Errno)}";
        return error.Errno switch
        {
            Errno.ENOENT when File.Exists(program) => Failure(NotFound, $"exec '{program}': its interpreter does not exist",
                Interpreter(program) is { } interpreter ? $"the image has no '{interpreter}'" : "the dynamic linker or the #! program it names is not in the image"),
            Errno.ENOENT => Failure(NotFound, message, program == "/bin/sh"
                ? "the image has no shell: use the JSON form RUN [\"program\", \"argument\"], or a base image with one" : "the image has no such file"),
            Errno.EACCES => Failure(NotExecutable, message, "the file is not executable for the step's user, or a directory on the way cannot be searched"),
            Errno.ENOEXEC when ForeignMachine(program) is { } machine => new KimgException(ErrorCode.ForeignArchitecture, $"'{program}' is a program for {machine}, not for {Platform.Host}")
            {
                Hint = $"build with --platform {Platform.Host}, or use a base image for it; a stage for another platform runs under an emulator: --platform {machine}",
            },
            Errno.ENOEXEC => Failure(NotExecutable, message, "the file is neither a program nor a script that begins with #!"),
            Errno.E2BIG => Failure(NotExecutable, message, "arguments and environment together are too large for the kernel"),
            _ => Failure(NotExecutable, message, null),
        };
    }

    private static KimgException Failure(int exitCode, string message, string? hint) =>
        new(ErrorCode.StepNotStarted, message) { Hint = hint, StepExitCode = exitCode };

    private static string? Interpreter(string program)
    {
        ReadOnlySpan<byte> head = Head(program);
        if (head is not [(byte)'#', (byte)'!', ..]) return null;
        int end = head.IndexOf((byte)'\n');
        return System.Text.Encoding.UTF8.GetString(end < 0 ? head[2..] : head[2..end]).Trim().Split(' ')[0];
    }

    /// <summary>The platform of a program that is not for this machine.</summary>
    private static string? ForeignMachine(string program) =>
        Machine.OfProgram(Head(program)) is { } machine && machine.Architecture != Platform.Host.Architecture ? "linux/" + machine.Architecture : null;

    private static byte[] Head(string program)
    {
        try
        {
            using FileStream file = File.OpenRead(program);
            byte[] head = new byte[256];
            return head[..file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
