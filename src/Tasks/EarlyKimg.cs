using Kimg.Engine.Primitives;
using Microsoft.Build.Framework;

namespace Kimg.Tasks;

/// <summary>A kimg that was started for a project before it is known what to ask of it, and waits. MSBuild disposes it at the end of the build if nobody took it.</summary>
/// <param name="Key">How it was started.</param>
internal sealed record EarlyKimg(ChildProcess Child, Digest Key) : IDisposable
{
    public void Dispose() => Child.Dispose();

    /// <returns>False: this MSBuild keeps nothing between tasks.</returns>
    public static bool CanBeKept(IBuildEngine engine) => engine is IBuildEngine4;

    /// <param name="directory">Of one project for one framework.</param>
    public void Keep(IBuildEngine engine, string directory)
    {
        // Of the same project with other properties; under one name only one is kept.
        Take(engine, directory)?.Dispose();
        ((IBuildEngine4)engine).RegisterTaskObject(NameOf(directory), this, RegisteredTaskObjectLifetime.Build, allowEarlyCollection: false);
    }

    /// <returns>Null when there is none.</returns>
    public static EarlyKimg? Take(IBuildEngine engine, string directory) =>
        (engine as IBuildEngine4)?.UnregisterTaskObject(NameOf(directory), RegisteredTaskObjectLifetime.Build) as EarlyKimg;

    private static string NameOf(string directory) => "Kimg.Tasks " + directory;
}
