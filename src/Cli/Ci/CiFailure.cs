using Kimg.Ci.Hosts;
using Kimg.Engine.Primitives;

namespace Kimg.Cli.Ci;

/// <summary>Errors before and beside a build: what <see cref="CiRun"/> does with those of a build.</summary>
internal static class CiFailure
{
    /// <summary>Shows an error as the host shows errors, with its advice, and throws it on.</summary>
    public static async Task<int> ToldAsync(CiHost ci, CliHost host, Func<Task<int>> run)
    {
        try
        {
            return await run();
        }
        catch (KimgException error) when (error.Code != ErrorCode.Interrupted)
        {
            KimgException told = ci.Advise(error);
            host.WriteError(ci.Annotate(new CiAnnotation(true, null, 0, 0, told.Code.Name(), told.Message + (told.Hint is { } hint ? "\n" + hint : ""))));
            throw told;
        }
    }
}
