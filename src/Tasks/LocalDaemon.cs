using System.ComponentModel;
using System.Diagnostics;
using Kimg.Engine.Primitives;

namespace Kimg.Tasks;

/// <summary>Gives an image to the Docker or Podman of this machine, for projects that set LocalRegistry.</summary>
internal static class LocalDaemon
{
    public static void Load(string program, string archive, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, ["load", "--input", archive]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        var errors = new List<string>();
        int exitCode;
        try
        {
            using var child = new ChildProcess(start, cancellationToken);
            exitCode = child.Finish(errors.Add).ExitCode;
        }
        catch (Win32Exception e)
        {
            throw new KimgException(ErrorCode.InvalidProjectProperty, $"LocalRegistry: there is no {program} on this machine: {e.Message}", e)
            {
                Hint = "leave LocalRegistry out to keep the image in the store of kimg, set ContainerRegistry to push it, or ContainerArchiveOutputPath to write a file",
            };
        }

        if (exitCode != 0) throw new KimgException(ErrorCode.InvalidProjectProperty, $"LocalRegistry: '{program} load' failed: {string.Join("; ", errors)}");
        File.Delete(archive);
    }
}
