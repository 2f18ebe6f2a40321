namespace Kimg.Ci.Hosts;

/// <summary>A message on a line of a file.</summary>
/// <param name="Error">False: a warning.</param>
/// <param name="File">Relative to the checkout; null: on no file.</param>
/// <param name="Line">From 1; 0: not known.</param>
internal sealed record CiAnnotation(bool Error, string? File, int Line, int EndLine, string Title, string Message);
