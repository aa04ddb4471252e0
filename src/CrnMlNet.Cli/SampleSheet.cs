using CrnMlNet.Data;
using Microsoft.ML.Data;
using SkiaSharp;

namespace CrnMlNet.Cli;

/// <summary>
/// A picture of how training goes: a row for each of a few pairs spread over the set, with the label image in its
/// palette's colours, the photo, and what the network paints, enlarged by a whole factor.
/// </summary>
internal sealed class SampleSheet : IDisposable
{
    private const int ComfortableWidth = 1200;
    private const int ComfortableHeight = 1600;
    private const int LargestScale = 8;
    private const int Gap = 4;
    private const int Columns = 3;

    private readonly List<(LabelMap Labels, MLImage Photo)> _pairs = [];
    private MLImage[]? _colouredLabels;
    private int _stage;

    /// <summary>Loads the pairs, so that nothing can be missing later.</summary>
    /// <param name="path">The PNG or JPEG file to write.</param>
    /// <param name="pairs">All pairs.</param>
    /// <param name="count">How many of them to show.</param>
    public SampleSheet(string path, IReadOnlyList<LabelPhotoPair> pairs, int count)
    {
        Path = path;
        count = Math.Min(count, pairs.Count);
        for (int i = 0; i < count; i++)
        {
            var pair = pairs[(int)((long)i * pairs.Count / count)];
            _pairs.Add((LabelMap.Load(pair.LabelPath), ImageFile.Load(pair.PhotoPath)));
        }
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Writes the sheet as the network paints now, while being told of this progress.</summary>
    public void Write(SynthesisProgress progress)
    {
        if (_stage != progress.Training.Stage)
            ColourLabels(progress);
        Write(progress.Preview);
    }

    /// <summary>Writes the sheet with what <paramref name="synthesize"/> paints; after the first call of the other overload.</summary>
    public void Write(Func<LabelMap, MLImage> synthesize)
    {
        if (_colouredLabels is not [{ Width: var width, Height: var height }, ..])
            return;
        int scale = Math.Clamp(Math.Min(ComfortableWidth / (Columns * width), ComfortableHeight / (_pairs.Count * height)), 1, LargestScale);
        var (cellWidth, cellHeight) = (width * scale, height * scale);

        using var sheet = new SKBitmap(
            Columns * (cellWidth + Gap) - Gap, _pairs.Count * (cellHeight + Gap) - Gap, SKColorType.Bgra8888, SKAlphaType.Opaque);
        using (var canvas = new SKCanvas(sheet))
        {
            canvas.Clear(SKColors.White);
            for (int row = 0; row < _pairs.Count; row++)
            {
                using var painted = synthesize(_pairs[row].Labels);
                MLImage[] cells = [_colouredLabels[row], _pairs[row].Photo, painted];
                for (int column = 0; column < Columns; column++)
                    Draw(canvas, cells[column], width, height, SKRect.Create(column * (cellWidth + Gap), row * (cellHeight + Gap), cellWidth, cellHeight));
            }
        }

        using var image = MLImage.CreateFromPixels(sheet.Width, sheet.Height, MLPixelFormat.Bgra32, sheet.GetPixelSpan());
        ImageFile.Save(image, Path);
    }

    public void Dispose()
    {
        foreach (var (_, photo) in _pairs)
            photo.Dispose();
        foreach (var labels in _colouredLabels ?? [])
            labels.Dispose();
    }

    private void ColourLabels(SynthesisProgress progress)
    {
        foreach (var labels in _colouredLabels ?? [])
            labels.Dispose();
        _colouredLabels = [.. _pairs.Select(pair => progress.PreviewLabels(pair.Labels))];
        _stage = progress.Training.Stage;
    }

    /// <summary>Brings the image to the working size, as training does, and from there to the cell without smoothing.</summary>
    private static void Draw(SKCanvas canvas, MLImage image, int width, int height, SKRect cell)
    {
        using var bitmap = ToBitmap(image);
        using var resized = bitmap.Resize(new SKImageInfo(width, height), SKFilterQuality.Medium);
        using var paint = new SKPaint { FilterQuality = SKFilterQuality.None };
        canvas.DrawBitmap(resized, cell, paint);
    }

    private static SKBitmap ToBitmap(MLImage image)
    {
        var color = image.PixelFormat == MLPixelFormat.Rgba32 ? SKColorType.Rgba8888 : SKColorType.Bgra8888;
        using var copy = SKImage.FromPixelCopy(new SKImageInfo(image.Width, image.Height, color, SKAlphaType.Premul), image.Pixels);
        return SKBitmap.FromImage(copy);
    }
}
