using System.Globalization;
using Kimg.Engine.Primitives;

namespace Kimg.Tasks;

/// <summary>The time that stands in an image for "now", so that the same source gives the same image.</summary>
internal static class SourceDate
{
    /// <param name="epoch">KimgSourceDateEpoch; empty: none.</param>
    /// <returns>As labels have it; null without an epoch.</returns>
    /// <exception cref="KimgException">InvalidProjectProperty.</exception>
    public static string? Of(string epoch)
    {
        if (epoch.Length == 0) return null;
        if (long.TryParse(epoch, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds) && seconds <= 253402300799)
            return DateTimeOffset.FromUnixTimeSeconds(seconds).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        throw new KimgException(ErrorCode.InvalidProjectProperty, $"KimgSourceDateEpoch: '{epoch}' is not a number of seconds since 1970");
    }

    /// <summary>A label's value: of those that say when the image was made, the epoch's time if there is one.</summary>
    public static string ValueOf(string label, string value, string? time) =>
        label is AppImageBuilder.Created or AppImageBuilder.ArtifactCreated && time is not null ? time : value;
}
