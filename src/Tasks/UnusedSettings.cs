namespace Kimg.Tasks;

/// <summary>Settings that are given and mean nothing for the kind of image that is made: they are pointed out, never passed over.</summary>
internal static class UnusedSettings
{
    // A Dockerfile for the base takes the place of these only.
    private static readonly string[] s_baseChoice = ["ContainerBaseImage", "ContainerFamily"];

    /// <param name="projectOnly">Given ones of those that describe an image without a Dockerfile.</param>
    /// <param name="dockerfileOnly">Given ones of those that a Dockerfile's build takes.</param>
    /// <param name="hasBaseDockerfile">KimgBaseDockerfile is set.</param>
    public static string[] Of(string mode, string[] projectOnly, string[] dockerfileOnly, bool hasBaseDockerfile)
    {
        string[] ofBase = hasBaseDockerfile ? ["KimgBaseDockerfile"] : [];
        return mode switch
        {
            "Dockerfile" => [.. projectOnly, .. ofBase],
            "Project" => [.. dockerfileOnly, .. ofBase],
            // The application is published in any case, and of two Dockerfiles the base's is built.
            _ => [.. projectOnly.Intersect(s_baseChoice), .. dockerfileOnly.Where(name => name == "KimgPublish" || (name == "KimgDockerfile" && hasBaseDockerfile))],
        };
    }
}
