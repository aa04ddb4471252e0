using Microsoft.ML.Data;
using SkiaSharp;

namespace PaintToPhoto.Tests;

/// <summary>A picture's pixels: three bytes for each, red, green, blue.</summary>
internal sealed record PagePhoto(int Width, int Height, byte[] Rgb)
{
    public static PagePhoto FromPng(byte[] png)
    {
        using var bitmap = SKBitmap.Decode(png, SKBitmap.DecodeBounds(png).WithColorType(SKColorType.Rgba8888));
        return FromRgba(bitmap.Width, bitmap.Height, bitmap.GetPixelSpan());
    }

    public static PagePhoto FromRgba(int width, int height, ReadOnlySpan<byte> rgba)
    {
        var rgb = new byte[3 * width * height];
        for (int i = 0; i < width * height; i++)
            rgba.Slice(4 * i, 3).CopyTo(rgb.AsSpan(3 * i));
        return new PagePhoto(width, height, rgb);
    }

    public static PagePhoto FromImage(MLImage image)
    {
        var rgba = image.Pixels.ToArray();
        if (image.PixelFormat == MLPixelFormat.Bgra32)
            for (int i = 0; i < rgba.Length; i += 4)
                (rgba[i], rgba[i + 2]) = (rgba[i + 2], rgba[i]);
        return FromRgba(image.Width, image.Height, rgba);
    }

    public (byte R, byte G, byte B) this[int x, int y] => (Rgb[3 * (y * Width + x)], Rgb[3 * (y * Width + x) + 1], Rgb[3 * (y * Width + x) + 2]);

    /// <summary>The mean difference to another picture in a rectangle, in gray levels.</summary>
    public double Difference(PagePhoto other, int left, int top, int width, int height)
    {
        double sum = 0;
        for (int y = top; y < top + height; y++)
            for (int i = 3 * (y * Width + left); i < 3 * (y * Width + left + width); i++)
                sum += Math.Abs(Rgb[i] - other.Rgb[i]);
        return sum / (3 * width * height);
    }

    /// <summary>Fails unless it is the same picture. With another number of threads sums have another order, and a value may round to its neighbour.</summary>
    public void AssertIs(PagePhoto expected)
    {
        Assert.Equal((expected.Width, expected.Height), (Width, Height));
        Assert.InRange(Rgb.Zip(expected.Rgb, (value, other) => Math.Abs(value - other)).Max(), 0, 1);
    }
}
