namespace Kimg.Engine.Registry;

/// <summary>A URL as it may be shown: without user info, and without the values of its query (signed URLs carry their key there).</summary>
internal static class RedactedUrl
{
    public static string Of(Uri uri)
    {
        string shown = uri.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);
        return uri.Query.Length > 1 ? shown + "?…" : shown;
    }
}
