using CrnMlNet.Data;
using Microsoft.ML.Data;
using SkiaSharp;

namespace CrnMlNet.Cli;

/// <summary>
/// A picture of how training goes: a row for each of a few pairs spread over the set, with the label image in its
/// palette's colours, the photo as it is learned from, and what the network paints, enlarged by a whole factor.
/// </summary>
internal sealed class SampleSheet : IDisposable
{
    private const int ComfortableWidth = 1200;
    private const int ComfortableHeight = 1600;
    private const int LargestScale = 8;
    private const int Gap = 4;
    private const int Columns = 3;

    private readonly List<(LabelMap Labels, MLImage Photo)> _pairs = [];
    private (MLImage Labels, MLImage Photo)[] _shown = [];
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
            ShowPairs(progress);
        Write(progress.Preview);
    }

    /// <summary>Writes the sheet with what <paramref name="synthesize"/> paints; after the first call of the other overload.</summary>
    public void Write(Func<LabelMap, MLImage> synthesize)
    {
        if (_shown is not [({ Width: var width, Height: var height }, _), ..])
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
                MLImage[] cells = [_shown[row].Labels, _shown[row].Photo, painted];
                for (int column = 0; column < Columns; column++)
                    Draw(canvas, cells[column], SKRect.Create(column * (cellWidth + Gap), row * (cellHeight + Gap), cellWidth, cellHeight));
            }
        }

        using var image = MLImage.CreateFromPixels(sheet.Width, sheet.Height, MLPixelFormat.Bgra32, sheet.GetPixelSpan());
        ImageFile.Save(image, Path);
    }

    public void Dispose()
    {
        foreach (var (_, photo) in _pairs)
            photo.Dispose();
        Forget();
    }

    private void ShowPairs(SynthesisProgress progress)
    {
        Forget();
        _shown = [.. _pairs.Select(pair => (progress.PreviewLabels(pair.Labels), progress.PreviewPhoto(pair.Photo)))];
        _stage = progress.Training.Stage;
    }

    private void Forget()
    {
        foreach (var (labels, photo) in _shown)
        {
            labels.Dispose();
            photo.Dispose();
        }

        _shown = [];
    }

    /// <summary>Enlarges an image of the working size, pixel by pixel.</summary>
    private static void Draw(SKCanvas canvas, MLImage image, SKRect cell)
    {
        using var bitmap = ToBitmap(image);
        using var paint = new SKPaint { FilterQuality = SKFilterQuality.None };
        canvas.DrawBitmap(bitmap, cell, paint);
    }

    private static SKBitmap ToBitmap(MLImage image)
    {
        var color = image.PixelFormat == MLPixelFormat.Rgba32 ? SKColorType.Rgba8888 : SKColorType.Bgra8888;
        using var copy = SKImage.FromPixelCopy(new SKImageInfo(image.Width, image.Height, color, SKAlphaType.Premul), image.Pixels);
        return SKBitmap.FromImage(copy);
    }
}
