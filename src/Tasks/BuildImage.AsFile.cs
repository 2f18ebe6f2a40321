using Microsoft.Build.Framework;

namespace Kimg.Tasks;

/// <summary>KimgAsFile with a Dockerfile of the project's own: what would be built is that file.</summary>
public sealed partial class BuildImage
{
    private void WriteOwnDockerfile()
    {
        string file = Path.GetFullPath(AsFile, Path.GetDirectoryName(ProjectFile)!);
        if (file != Path.GetFullPath(Dockerfile))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.Copy(Dockerfile, file, overwrite: true);
        }

        Log.LogMessage(MessageImportance.High, "{0} -> {1}", ProjectName, file);
    }
}
