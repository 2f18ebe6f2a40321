using Kimg.Engine.Primitives;
using Microsoft.Build.Framework;

namespace Kimg.Tasks;

/// <summary>Starts the kimg that <see cref="BuildImage"/> is going to need, so that it is ready by then. What is wrong with it is said there.</summary>
public sealed class StartKimg : KimgTask
{
    /// <summary>That of <see cref="BuildImage"/>.</summary>
    [Required]
    public string WorkDirectory { get; set; } = "";

    public string[] ImageNames { get; set; } = [];

    private protected override IEnumerable<string> NewNames => ImageNames;

    protected override void Run()
    {
        if (!EarlyKimg.CanBeKept(BuildEngine)) return;
        try
        {
            using KimgProcess process = CreateProcess(Path.GetDirectoryName(ProjectFile)!);
            process.StartEarly().Keep(BuildEngine, WorkDirectory);
        }
        catch (KimgException e)
        {
            Log.LogMessage(MessageImportance.Low, "{0}", e.Message);
        }
    }
}
