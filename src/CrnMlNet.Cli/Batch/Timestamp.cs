using System.Globalization;

namespace CrnMlNet.Cli.Batch;

/// <summary>Times in manifests: UTC to the millisecond, as ISO 8601 has them.</summary>
internal static class Timestamp
{
    private const string Form = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    public static string Of(DateTime utc) => utc.ToString(Form, CultureInfo.InvariantCulture);

    /// <returns>Null: it is none.</returns>
    public static DateTime? Parse(string text)
        => DateTime.TryParseExact(text, Form, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time : null;
}
