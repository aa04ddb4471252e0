using System.Globalization;

namespace CrnMlNet.Cli.Batch;

/// <summary>What a manifest says of a photo.</summary>
/// <param name="Photo">Its file, below the output folder.</param>
/// <param name="LabelMap">The label map's file.</param>
/// <param name="Origin">What it was painted from.</param>
/// <param name="PhotoSha256">The photo file's SHA-256, in hexadecimal.</param>
/// <param name="Bytes">The photo file's size.</param>
/// <param name="PaintedAt">When it was written.</param>
/// <param name="Seconds">How long the network took; null: that was not written down, because the process was killed before.</param>
internal sealed record ManifestLine(string Photo, string LabelMap, PhotoOrigin Origin, string PhotoSha256, long Bytes, DateTime PaintedAt, double? Seconds)
{
    public const string Header = "photo,label_map,label_map_sha256,model_sha256,image,photo_sha256,photo_bytes,painted_at,seconds";

    private const int Values = 9;

    public override string ToString() => CsvLine.Of(
        Photo, LabelMap, Origin.LabelMapSha256, Origin.ModelSha256, Origin.Which, PhotoSha256, Bytes.ToString(CultureInfo.InvariantCulture),
        Timestamp.Of(PaintedAt), Seconds?.ToString("0.####", CultureInfo.InvariantCulture) ?? "");

    /// <returns>Null: it is no such line, because a power cut damaged it, say.</returns>
    public static ManifestLine? Parse(string line)
    {
        if (CsvLine.Parse(line, Values) is not [var photo, var labelMap, var labelMapSha256, var modelSha256, var image, var photoSha256, var bytes, var paintedAt, var seconds]
            || !PhotoOrigin.TryParseWhich(image, out int number, out int sampleSeed) || !long.TryParse(bytes, NumberStyles.None, CultureInfo.InvariantCulture, out long size)
            || Timestamp.Parse(paintedAt) is not { } time)
            return null;
        double? took = double.TryParse(seconds, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double given) ? given : null;
        return new ManifestLine(photo, labelMap, new PhotoOrigin(modelSha256, labelMapSha256, number, sampleSeed), photoSha256, size, time, took);
    }
}
