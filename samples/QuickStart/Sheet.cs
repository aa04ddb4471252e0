using CrnMlNet;
using Microsoft.ML.Data;
using SkiaSharp;

namespace QuickStart;

/// <summary>One picture to look at: layout, drawn photo and painted photo of each scene, side by side.</summary>
internal static class Sheet
{
    private const int Scale = 3;
    private const int Gap = 6;
    private const int ScenesAcross = 2;

    public static void Save(string path, LabelPalette palette, string folder, IReadOnlyList<MLImage> painted)
    {
        var (cellWidth, cellHeight) = (painted[0].Width * Scale, painted[0].Height * Scale);
        int sceneWidth = 3 * (cellWidth + Gap) + 2 * Gap, rows = (painted.Count + ScenesAcross - 1) / ScenesAcross;
        using var sheet = new SKBitmap(ScenesAcross * sceneWidth - 3 * Gap, rows * (cellHeight + Gap) - Gap);
        using (var canvas = new SKCanvas(sheet))
        {
            canvas.Clear(SKColors.White);
            for (int i = 0; i < painted.Count; i++)
            {
                using var labels = ImageFile.Load(Path.Combine(folder, "labels", $"{i:D3}.png"));
                using var photo = ImageFile.Load(Path.Combine(folder, "photos", $"{i:D3}.png"));
                using var layout = Coloured(labels, palette);
                MLImage[] cells = [layout, photo, painted[i]];
                for (int column = 0; column < cells.Length; column++)
                {
                    int x = i % ScenesAcross * sceneWidth + column * (cellWidth + Gap), y = i / ScenesAcross * (cellHeight + Gap);
                    using var bitmap = Bitmap(cells[column]);
                    canvas.DrawBitmap(bitmap, SKRect.Create(x, y, cellWidth, cellHeight));
                }
            }
        }
        using var image = MLImage.CreateFromPixels(sheet.Width, sheet.Height, MLPixelFormat.Bgra32, sheet.GetPixelSpan());
        ImageFile.Save(image, path);
    }

    private static MLImage Coloured(MLImage labels, LabelPalette palette)
    {
        var pixels = labels.Pixels.ToArray();
        for (int i = 0; i < pixels.Length; i += 4)
        {
            var colour = palette.ColorOf(pixels[i]);
            (pixels[i], pixels[i + 1], pixels[i + 2]) = (colour.B, colour.G, colour.R);
        }
        return MLImage.CreateFromPixels(labels.Width, labels.Height, MLPixelFormat.Bgra32, pixels);
    }

    private static SKBitmap Bitmap(MLImage image)
    {
        using var copy = SKImage.FromPixelCopy(new SKImageInfo(image.Width, image.Height, SKColorType.Bgra8888), image.Pixels);
        return SKBitmap.FromImage(copy);
    }
}
