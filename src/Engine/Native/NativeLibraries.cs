using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Kimg.Engine.Native;

/// <summary>Finds the compression libraries where the engine runs under the JIT: distributions without development packages only have the versioned
/// names. Where native code is not to be used no library is found. In the static binary they are linked in, this is never asked, and loading anything
/// would hang.</summary>
internal static class NativeLibraries
{
    [ModuleInitializer]
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Usage", "CA2255", Justification = "must precede the first native call, wherever that is")]
    internal static void Register()
    {
        if (!RuntimeFeature.IsDynamicCodeSupported) return;
        NativeLibrary.SetDllImportResolver(typeof(NativeLibraries).Assembly, static (name, assembly, path) =>
            !NativeCode.IsUsable ? throw NativeCode.Refusal(name)
            : VersionedName(name) is { } versioned && NativeLibrary.TryLoad(versioned, assembly, path, out nint handle) ? handle : 0);
    }

    private static string? VersionedName(string name) => name switch
    {
        "libzstd" => "libzstd.so.1",
        "liblzma" => "liblzma.so.5",
        "libbz2" => "libbz2.so.1.0",
        _ => null,
    };
}
