using System.Globalization;
using Kimg.Engine.Native;

namespace Kimg.Engine.Sandbox;

/// <summary>The command line by which kimg starts itself in new namespaces; src/Cli/nsenter.c reads it.</summary>
internal static class NamespaceEntry
{
    internal const string Marker = "--nsenter";

    /// <param name="namespaces">What the new process unshares.</param>
    /// <param name="pidDescriptor">Number in the child of the pipe it writes its id to; −1 when no user namespace is made.</param>
    /// <param name="goDescriptor">Number in the child of the pipe it waits on.</param>
    /// <param name="verb">The hidden verb and its arguments.</param>
    internal static string[] Arguments(string program, Namespaces namespaces, int pidDescriptor, int goDescriptor, params ReadOnlySpan<string> verb) =>
    [
        program, Marker, Text((int)namespaces), Text(pidDescriptor), Text(goDescriptor), Text(Processes.Id), .. verb,
    ];

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
