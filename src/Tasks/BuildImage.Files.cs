using Kimg.Engine.Primitives;

namespace Kimg.Tasks;

// Files that the project asks for by name.
public sealed partial class BuildImage
{
    // Options whose file, registry or daemon nobody looks at before the next build: with one of them there is always a build.
    private static readonly string[] s_writing = ["--output", "-o", "--iidfile", "--metadata-file", "--cache-to", "--push", "--load"];

    // What kimg writes, and what a build that does nothing still has to give.
    private string KeptMetadata => Path.Combine(WorkDirectory, "metadata.json");

    private bool WritesMore => Outputs.Length > 0 || BuildOptions.Any(IsWriting);

    private static bool IsWriting(string option) => s_writing.Any(name =>
        option == name || option.StartsWith(name + "=", StringComparison.Ordinal) || (name.Length == 2 && option.StartsWith(name, StringComparison.Ordinal)));

    private void GiveMetadata()
    {
        if (Path.GetFullPath(MetadataFile) == Path.GetFullPath(KeptMetadata)) return;
        Put("KimgMetadataFile", MetadataFile, file => File.Copy(KeptMetadata, file, overwrite: true));
    }

    private static void Put(string setting, string file, Action<string> write)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            write(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new KimgException(ErrorCode.InvalidProjectProperty, $"{setting}: '{file}' cannot be written: {e.Message}", e)
            {
                Hint = "name a file in a directory that you may write to",
            };
        }
    }
}
