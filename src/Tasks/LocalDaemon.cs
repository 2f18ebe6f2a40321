using System.ComponentModel;
using System.Diagnostics;
using Kimg.Engine.Primitives;

namespace Kimg.Tasks;

/// <summary>Gives an image to the Docker or Podman of this machine, for projects that set LocalRegistry.</summary>
internal static class LocalDaemon
{
    public static async Task LoadAsync(string program, string archive, CancellationToken cancellationToken)
    {
        using Process process = Start(program, archive);
        Task<string> output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        string errors = await process.StandardError.ReadToEndAsync(cancellationToken);
        await output;
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
            throw new KimgException(ErrorCode.InvalidProjectProperty, $"LocalRegistry: '{program} load' failed: {errors.Trim().ReplaceLineEndings("; ")}");
        File.Delete(archive);
    }

    private static Process Start(string program, string archive)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(program, ["load", "--input", archive]) { RedirectStandardOutput = true, RedirectStandardError = true })
                ?? throw new KimgException(ErrorCode.InvalidProjectProperty, $"LocalRegistry: {program} did not start");
        }
        catch (Win32Exception e)
        {
            throw new KimgException(ErrorCode.InvalidProjectProperty, $"LocalRegistry: there is no {program} on this machine: {e.Message}", e)
            {
                Hint = "leave LocalRegistry out to keep the image in the store of kimg, set ContainerRegistry to push it, or ContainerArchiveOutputPath to write a file",
            };
        }
    }
}
