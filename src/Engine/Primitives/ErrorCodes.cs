using System.Globalization;

namespace Kimg.Engine.Primitives;

public static class ErrorCodes
{
    /// <summary>How the code prints: <c>KIMG2003</c>.</summary>
    public static string Name(this ErrorCode code) => "KIMG" + ((int)code).ToString("D4", CultureInfo.InvariantCulture);

    /// <summary>The process exit code of a failure with this code (docs/cli.md lists them).</summary>
    public static int ToExitCode(this ErrorCode code) => ((int)code / 1000) switch
    {
        1 => 2,
        2 => 3,
        3 => 4,
        4 => 5,
        5 => 6,
        6 => 7,
        7 => 8,
        8 => 130,
        _ => 1,
    };
}
