namespace Kimg.TestKit;

public sealed record ProgramResult(string Command, int ExitCode, string Output, string Errors)
{
    public string OutputOrThrow() =>
        ExitCode == 0 ? Output : throw new InvalidOperationException($"exit code {ExitCode} of {Command}\n{Output}\n{Errors}");
}
