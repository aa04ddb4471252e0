namespace CrnMlNet.Cli.Batch;

/// <summary>A label map that could not be painted.</summary>
/// <param name="LabelMap">Its file.</param>
/// <param name="Photo">What would be its first photo's file, below the output folder.</param>
/// <param name="FailedAt">When.</param>
/// <param name="Reason">Why.</param>
internal sealed record FailureLine(string LabelMap, string Photo, DateTime FailedAt, string Reason)
{
    public const string Header = "label_map,photo,failed_at,reason";

    private const int Values = 4;

    public override string ToString() => CsvLine.Of(LabelMap, Photo, Timestamp.Of(FailedAt), Reason);

    /// <returns>Null: it is no such line.</returns>
    public static FailureLine? Parse(string line)
        => CsvLine.Parse(line, Values) is [var labelMap, var photo, var failedAt, var reason] && Timestamp.Parse(failedAt) is { } time
            ? new FailureLine(labelMap, photo, time, reason)
            : null;
}
